package users

import (
	"context"
	"time"

	"chatapp/libs/audit"
	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
	"chatapp/libs/mydata"
)

// The files of what a person downloads that this service knows.
const (
	fileProfile  = "profile.json"
	filePicture  = "picture.jpg"
	fileBlocks   = "blocks.json"
	fileActivity = "users-activity.json"
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
// the lists by themselves, for together they might be too much for one message.
// Error: not-found.
func (s *Service) answerData(ctx context.Context, request []byte) (any, error) {
	return mydata.Answer(ctx, request, s.profileFiles, s.blockList(), mydata.Activity(fileActivity, s.store.db))
}

func (s *Service) blockList() mydata.List {
	return mydata.List{File: fileBlocks, Rows: func(ctx context.Context, user id.ID, after audit.Place, limit int) ([]mydata.Row, error) {
		list, err := s.store.blocksFrom(ctx, user, after.ID, limit)
		return mydata.Rows(list, err, func(b blockedPerson) mydata.Row {
			v := blockData{ID: b.BlockedID.String(), Username: b.Username, DisplayName: b.DisplayName, Since: b.ChangedAt.UTC()}
			return mydata.Row{Place: audit.Place{ID: b.BlockedID}, Item: v}
		})
	}}
}

func (s *Service) profileFiles(ctx context.Context, user id.ID) ([]events.DataFile, error) {
	p, err := s.profile(ctx, user)
	if err == nil && p.gone() {
		err = noSuchPerson()
	}
	if err != nil {
		return nil, err
	}
	v := profileData{
		ID: p.UserID.String(), Username: p.Username, DisplayName: p.DisplayName, StatusText: p.StatusText,
		Language: p.Language, TimeZone: p.TimeZone, CreatedAt: p.CreatedAt, Privacy: p.Privacy.settings(),
	}
	if v.LastSeenAt, err = s.store.seenAt(ctx, user); err != nil {
		return nil, err
	}
	profile, err := mydata.JSON(fileProfile, v)
	if err != nil || p.PictureID.IsZero() {
		return []events.DataFile{profile}, err
	}
	picture, err := s.store.picture(ctx, user, p.PictureID, pictureSizes[0])
	if errs.Is(err, errs.NotFound) {
		err = errs.Wrap(errs.Unavailable, "The picture was replaced a moment ago.", err)
	}
	return []events.DataFile{profile, {Name: filePicture, Bytes: picture}}, err
}
