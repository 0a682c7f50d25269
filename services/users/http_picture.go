package users

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"chatapp/libs/authn"
	"chatapp/libs/errs"
	"chatapp/libs/httpx"
	"chatapp/libs/id"
)

const pictureRoute = "/api/v1/users/%s/pictures/%s/%d"

func (s *Service) pictureRoutes(server *httpx.Server) {
	put := operation("put-picture", http.MethodPut, "/api/v1/users/me/picture", "Show a picture of yourself",
		http.StatusBadRequest, http.StatusUnauthorized, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusTooManyRequests)
	put.Description = "The body is the picture itself, up to 5 MiB and 40 million pixels. Its middle is drawn anew as a square; nothing else of the file is kept."
	httpx.RegisterUpload(server, put, httpx.Upload{MaxBody: maxPictureBytes, Types: pictureTypes(), Parallel: pictureUploads}, s.putPicture)
	httpx.Register(server, operation("delete-picture", http.MethodDelete, "/api/v1/users/me/picture",
		"Show no picture of yourself", http.StatusUnauthorized), s.deletePicture)
	get := operation("get-picture", http.MethodGet, "/api/v1/users/{id}/pictures/{picture_id}/{size}",
		"A picture; its address is told by who may see the person", http.StatusNotFound)
	get.Security = httpx.Public
	get.Responses = map[string]*huma.Response{"200": {
		Description: "The picture", Content: map[string]*huma.MediaType{"image/jpeg": {Schema: &huma.Schema{Type: "string", Format: "binary"}}},
	}}
	httpx.Register(server, get, s.getPicture)
}

type putPictureInput struct {
	ContentType string `header:"Content-Type" required:"true"`
	RawBody     []byte
}

func (s *Service) putPicture(ctx context.Context, in *putPictureInput) (*meOutput, error) {
	mime, _, _ := strings.Cut(in.ContentType, ";")
	pictures, err := s.studio.render(ctx, strings.ToLower(strings.TrimSpace(mime)), in.RawBody)
	if err != nil {
		return nil, err
	}
	p, err := s.setPicture(ctx, authn.From(ctx).UserID, pictures)
	return asMe(p, err)
}

func (s *Service) deletePicture(ctx context.Context, _ *struct{}) (*struct{}, error) {
	_, err := s.setPicture(ctx, authn.From(ctx).UserID, nil)
	return nil, ofMe(err)
}

type getPictureInput struct {
	ID        string `path:"id" format:"uuid"`
	PictureID string `path:"picture_id" format:"uuid"`
	Size      int    `path:"size" enum:"64,128,512"`
}

type getPictureOutput struct {
	ContentType   string `header:"Content-Type"`
	CacheControl  string `header:"Cache-Control"`
	Disposition   string `header:"Content-Disposition"`
	ContentPolicy string `header:"Content-Security-Policy"`
	Body          []byte
}

func (s *Service) getPicture(ctx context.Context, in *getPictureInput) (*getPictureOutput, error) {
	user, err := id.Parse(in.ID)
	picture, err2 := id.Parse(in.PictureID)
	if err != nil || err2 != nil || !slices.Contains(pictureSizes, in.Size) {
		return nil, errs.New(errs.NotFound, "There is no such picture.")
	}
	data, err := s.store.picture(ctx, user, picture, in.Size)
	if err != nil {
		return nil, err
	}
	return &getPictureOutput{
		ContentType: "image/jpeg", CacheControl: "public, max-age=31536000, immutable", Disposition: "inline",
		ContentPolicy: "default-src 'none'; frame-ancestors 'none'; sandbox", Body: data,
	}, nil
}

// picture says where the pictures of p are; nil when there are none.
func (p Profile) picture() *Picture {
	if p.PictureID.IsZero() {
		return nil
	}
	at := func(size int) string { return fmt.Sprintf(pictureRoute, p.UserID, p.PictureID, size) }
	return &Picture{Small: at(64), Medium: at(128), Large: at(512)}
}
