package users

import (
	"context"
	"encoding/json"
	"time"

	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
)

// dataPage is how many blocks are in one answer.
const dataPage = 300

// The files of what a person downloads that this service knows.
const (
	fileProfile = "profile.json"
	filePicture = "picture.jpg"
	fileBlocks  = "blocks.json"
)

// profileData is the profile in it.
type profileData struct {
	ID          string          `json:"id"`
	Username    string          `json:"username"`
	DisplayName string          `json:"display_name"`
	StatusText  string          `json:"status_text"`
	Language    string          `json:"language"`
	TimeZone    string          `json:"time_zone"`
	CreatedAt   time.Time       `json:"created_at"`
	LastSeenAt  *time.Time      `json:"last_seen_at,omitempty"`
	Privacy     PrivacySettings `json:"privacy"`
}

// blockData is somebody who was blocked.
type blockData struct {
	ID          string    `json:"id"`
	Username    string    `json:"username"`
	DisplayName string    `json:"display_name"`
	Since       time.Time `json:"since"`
}

// answerData answers events.RPCProfileData: the profile first, with the picture;
// the blocks by themselves, for together they might be too much for one message.
// Error: not-found.
func (s *Service) answerData(ctx context.Context, request []byte) (any, error) {
	var r events.DataRequest
	if err := json.Unmarshal(request, &r); err != nil {
		return nil, errs.Wrap(errs.InvalidBody, "not a request for data", err)
	}
	user, err := id.Parse(r.UserID)
	if err != nil {
		return nil, noSuchPerson()
	}
	if r.After == "" {
		return s.profileFiles(ctx, user)
	}
	after, err := id.Parse(r.After)
	if err != nil {
		return nil, errs.Wrap(errs.InvalidCursor, "The cursor is not one that this list gave out.", err)
	}
	rows, err := s.store.blocksFrom(ctx, user, after, dataPage)
	if err != nil {
		return nil, err
	}
	f, reply := events.DataFile{Name: fileBlocks}, events.DataReply{}
	for _, b := range rows {
		data, err := json.Marshal(blockData{ID: b.BlockedID.String(), Username: b.Username, DisplayName: b.DisplayName, Since: b.ChangedAt.UTC()})
		if err != nil {
			return nil, err
		}
		f.Items = append(f.Items, data)
	}
	if len(rows) == dataPage {
		reply.Next = rows[dataPage-1].BlockedID.String()
	}
	reply.Files = []events.DataFile{f}
	return reply, nil
}

func (s *Service) profileFiles(ctx context.Context, user id.ID) (reply events.DataReply, err error) {
	p, err := s.profile(ctx, user)
	if err == nil && p.gone() {
		err = noSuchPerson()
	}
	if err != nil {
		return reply, err
	}
	v := profileData{
		ID: p.UserID.String(), Username: p.Username, DisplayName: p.DisplayName, StatusText: p.StatusText,
		Language: p.Language, TimeZone: p.TimeZone, CreatedAt: p.CreatedAt, Privacy: p.Privacy.settings(),
	}
	if v.LastSeenAt, err = s.store.seenAt(ctx, user); err != nil {
		return reply, err
	}
	data, err := json.Marshal(v)
	if err != nil {
		return reply, err
	}
	reply.Files = []events.DataFile{{Name: fileProfile, JSON: data}}
	if !p.PictureID.IsZero() {
		picture, err := s.store.picture(ctx, user, p.PictureID, pictureSizes[0])
		if errs.Is(err, errs.NotFound) {
			err = errs.Wrap(errs.Unavailable, "The picture was replaced a moment ago.", err)
		}
		if err != nil {
			return reply, err
		}
		reply.Files = append(reply.Files, events.DataFile{Name: filePicture, Bytes: picture})
	}
	reply.Next = id.Nil.String()
	return reply, nil
}
