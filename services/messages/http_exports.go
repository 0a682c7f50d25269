package messages

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"chatapp/libs/errs"
	"chatapp/libs/httpx"
	"chatapp/libs/id"
	"chatapp/libs/limit"
)

// exportName is what browsers call the file.
const exportName = "chatapp-data.zip"

// exportRoutes are the routes about downloading one's data.
func (s *Service) exportRoutes(h *httpx.Server) {
	ask := op(http.MethodPost, "/api/v1/data-exports", "request-data-export", "Ask for a file of all that is kept of you",
		"202: it is made in the background; ask GET how far it is. It takes the place of an older one. 200 and the one under way when there is one. At most 5 a day.")
	ask.DefaultStatus = http.StatusAccepted
	httpx.Register(h, httpx.Limited(ask, limit.Expensive), s.askExport)
	httpx.Register(h, op(http.MethodGet, "/api/v1/data-exports", "get-data-export", "How far the newest file of your data is", ""), s.getExport)
	file := op(http.MethodGet, "/api/v1/data-exports/{id}/file", "download-data-export", "The file: a ZIP with a README.txt",
		"404 once it has expired; 409 while it is not ready. Downloads are recorded.")
	file.Errors = append(file.Errors, http.StatusConflict)
	file.Responses = map[string]*huma.Response{"200": {
		Description: "The file", Content: map[string]*huma.MediaType{"application/zip": {Schema: &huma.Schema{Type: "string", Format: "binary"}}},
	}}
	httpx.Register(h, httpx.Limited(file, limit.Expensive), s.downloadExport)
	httpx.Register(h, op(http.MethodDelete, "/api/v1/data-exports/{id}", "delete-data-export", "Withdraw the file, or stop making it", ""), s.deleteExport)
	nullable(h, "ExportOutputBody", "export")
	answersAlso(h, "/api/v1/data-exports", "202", "200", "There is one under way")
}

type exportView struct {
	ID        string     `json:"id"`
	State     string     `json:"state" enum:"waiting,running,ready,failed"`
	Done      uint64     `json:"done" doc:"Messages that are in the file so far"`
	Total     uint64     `json:"total" doc:"Messages that will be; 0 until they are counted"`
	Size      uint64     `json:"size" doc:"Bytes, once it is ready"`
	CreatedAt time.Time  `json:"created_at"`
	ReadyAt   *time.Time `json:"ready_at,omitempty"`
	ExpiresAt *time.Time `json:"expires_at,omitempty" doc:"Until when it can be downloaded"`
	Reason    string     `json:"reason,omitempty" enum:"account-unavailable,profile-unavailable,internal" doc:"Why it failed: what other services keep could not be read for ten minutes, or something went wrong on our side"`
}

func (e dataExport) view() exportView {
	return exportView{
		ID: e.ID.String(), State: exportStates[e.State], Done: e.Done, Total: e.Total, Size: e.Size, CreatedAt: e.CreatedAt.UTC(),
		ReadyAt: utc(e.ReadyAt), ExpiresAt: utc(e.ExpiresAt), Reason: e.Reason,
	}
}

type askedOutput struct {
	Status int
	Body   exportView
}

func (s *Service) askExport(ctx context.Context, _ *struct{}) (*askedOutput, error) {
	e, err := s.store.askExport(ctx, caller(ctx), auditorOf(ctx))
	if err != nil {
		return nil, err
	}
	s.exports.asked()
	if e.known {
		return &askedOutput{http.StatusOK, e.view()}, nil
	}
	if err := s.store.removeParts(ctx, e.replaced); err != nil {
		s.log.WarnContext(ctx, "an old download of a person's data is removed later", "export", e.replaced, "error", err)
	}
	return &askedOutput{http.StatusAccepted, e.view()}, nil
}

type exportOutput struct {
	Body struct {
		Export *exportView `json:"export" doc:"null when there is none, or none any more"`
	}
}

func (s *Service) getExport(ctx context.Context, _ *struct{}) (*exportOutput, error) {
	out := &exportOutput{}
	e, ok, err := s.store.export(ctx, caller(ctx))
	if ok {
		v := e.view()
		out.Body.Export = &v
	}
	return out, err
}

type exportInput struct {
	ID id.ID `path:"id" format:"uuid"`
}

func errNoExport() error { return errs.New(errs.NotFound, "There is no such file.") }

func (s *Service) deleteExport(ctx context.Context, in *exportInput) (*struct{}, error) {
	gone, err := s.store.dropExport(ctx, caller(ctx), in.ID)
	if err == nil && !gone {
		err = errNoExport()
	}
	return nil, err
}

type fileOutput struct {
	ContentType   string `header:"Content-Type"`
	ContentLength string `header:"Content-Length"`
	CacheControl  string `header:"Cache-Control"`
	Disposition   string `header:"Content-Disposition"`
	Body          func(huma.Context)
}

func (s *Service) downloadExport(ctx context.Context, in *exportInput) (*fileOutput, error) {
	e, ok, err := s.store.export(ctx, caller(ctx))
	switch {
	case err != nil:
		return nil, err
	case !ok || e.ID != in.ID:
		return nil, errNoExport()
	case e.State != exportReady:
		return nil, errs.New(errs.Conflict, "The file is not ready.")
	}
	if err := s.store.auditExport(ctx, e.ID, auditorOf(ctx)); err != nil {
		return nil, err
	}
	return &fileOutput{
		ContentType: "application/zip", ContentLength: strconv.FormatUint(e.Size, 10), CacheControl: "private, no-store",
		Disposition: `attachment; filename="` + exportName + `"`,
		Body:        func(answer huma.Context) { s.sendExport(ctx, e, answer) },
	}, nil
}

// sendExport writes the file, a piece at a time. When it cannot go on, fewer bytes
// arrive than were announced, and the client knows.
func (s *Service) sendExport(ctx context.Context, e dataExport, answer huma.Context) {
	answer.SetStatus(http.StatusOK)
	w := answer.BodyWriter()
	for n, sent := 0, uint64(0); sent < e.Size; n++ {
		part, err := s.store.exportPart(ctx, e.ID, n)
		if err != nil || len(part) == 0 {
			s.log.WarnContext(ctx, "a download of a person's data broke off", "export", e.ID, "part", n, "error", err)
			return
		}
		if _, err := w.Write(part); err != nil {
			return // the client has gone
		}
		sent += uint64(len(part))
	}
}
