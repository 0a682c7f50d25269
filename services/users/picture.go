package users

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"slices"

	xdraw "golang.org/x/image/draw"
	"golang.org/x/image/webp"

	"chatapp/libs/errs"
	"chatapp/libs/id"
)

const (
	maxPictureBytes  = 5 << 20
	maxPicturePixels = 40_000_000
	// pictureBudget is what one decoding may take, in bytes: processes are given
	// half a gigabyte. Kinds that cost more per pixel reach it before the limit
	// in pixels.
	pictureBudget = 200 << 20
	// pictureUploads bodies wait in memory, and one is decoded at a time.
	pictureUploads = 8
	pictureQuality = 85 // of JPEG
)

// pictureSizes are the edges in pixels of the squares that are kept, the
// largest first.
var pictureSizes = []int{512, 128, 64}

// rendition is a picture in one size, as JPEG.
type rendition struct {
	Size  int
	Bytes []byte
}

// format is a kind of picture that is taken.
type format struct {
	mime   string
	magic  func([]byte) bool
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}

var formats = []format{
	{"image/png", starts("\x89PNG\r\n\x1a\n"), png.DecodeConfig, png.Decode},
	{"image/jpeg", starts("\xff\xd8\xff"), jpeg.DecodeConfig, jpeg.Decode},
	{"image/gif", func(b []byte) bool { return starts("GIF87a")(b) || starts("GIF89a")(b) }, gif.DecodeConfig, gif.Decode},
	{"image/webp", func(b []byte) bool { return starts("RIFF")(b) && len(b) > 12 && string(b[8:12]) == "WEBP" }, webp.DecodeConfig, webp.Decode},
}

func starts(with string) func([]byte) bool {
	return func(b []byte) bool { return bytes.HasPrefix(b, []byte(with)) }
}

// pictureTypes lists the media types of formats.
func pictureTypes() []string {
	var list []string
	for _, f := range formats {
		list = append(list, f.mime)
	}
	return list
}

// studio turns what people upload into what is shown. Nothing of the upload is
// kept: pixels are drawn anew, so that whatever else was in the file is gone.
type studio struct{ desk chan struct{} }

func newStudio() *studio { return &studio{desk: make(chan struct{}, 1)} }

// render draws a picture in all sizes: its middle, upright, on white. The kind
// is told by the first bytes and must be what mime says. Errors:
// unsupported-media-type, too-large, invalid-body; that of ctx.
func (s *studio) render(ctx context.Context, mime string, data []byte) ([]rendition, error) {
	i := slices.IndexFunc(formats, func(f format) bool { return f.magic(data) })
	if i < 0 {
		return nil, errs.New(errs.UnsupportedMediaType, "This is not a PNG, JPEG, GIF or WebP picture.")
	}
	if formats[i].mime != mime {
		return nil, errs.New(errs.UnsupportedMediaType, fmt.Sprintf("The picture was sent as %s and is %s.", mime, formats[i].mime))
	}
	facts := jpegFacts{orientation: 1}
	if mime == "image/jpeg" {
		facts = readJPEG(data)
	}
	if err := affordable(formats[i], facts, data); err != nil {
		return nil, err
	}
	select {
	case s.desk <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-s.desk }()
	picture, err := decode(formats[i], data)
	if err != nil {
		return nil, errs.Wrap(errs.InvalidBody, damaged, err)
	}
	return renditions(upright(square(picture, pictureSizes[0]), facts.orientation))
}

const damaged = "The picture is damaged and cannot be shown."

// affordable reads the header alone: how large the picture says it is decides
// before memory is taken for it.
func affordable(f format, facts jpegFacts, data []byte) error {
	c, err := f.config(bytes.NewReader(data))
	if err != nil || c.Width <= 0 || c.Height <= 0 {
		return errs.Wrap(errs.InvalidBody, damaged, err)
	}
	pixels := int64(c.Width) * int64(c.Height)
	if c.Width > maxPicturePixels || c.Height > maxPicturePixels || pixels > maxPicturePixels {
		return errs.New(errs.TooLarge, fmt.Sprintf("The picture has more than %d million pixels. Make it smaller first.", maxPicturePixels/1_000_000))
	}
	if pixels*bytesPerPixel(c.ColorModel, facts) > pictureBudget {
		return errs.New(errs.TooLarge, "The picture has too many pixels for its kind. Make it smaller, or save it as an ordinary JPEG first.")
	}
	return nil
}

// bytesPerPixel is the most that a decoder holds of a picture at once.
func bytesPerPixel(m color.Model, facts jpegFacts) int64 {
	if facts.progressive {
		return int64(5 * max(facts.components, 1)) // a coefficient of 4 bytes, and its sample
	}
	switch m {
	case color.GrayModel:
		return 1
	case color.RGBA64Model, color.NRGBA64Model:
		return 8
	case color.YCbCrModel:
		return 3
	}
	if _, palette := m.(color.Palette); palette {
		return 2
	}
	return 4
}

// decode is f.decode for files made to break decoders.
func decode(f format, data []byte) (picture image.Image, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("users: the decoder of %s panicked: %v", f.mime, cause)
		}
	}()
	return f.decode(bytes.NewReader(data))
}

// square draws the middle of a picture on white with this edge. The first step
// averages whole blocks, strip by strip, so that no second copy of a large
// picture is made.
func square(picture image.Image, edge int) *image.RGBA {
	b := picture.Bounds()
	side := min(b.Dx(), b.Dy())
	from := b.Min.Add(image.Pt((b.Dx()-side)/2, (b.Dy()-side)/2))
	block := max(side/edge, 1)
	small := image.NewRGBA(image.Rect(0, 0, side/block, side/block))
	strip := image.NewRGBA(image.Rect(0, 0, side, block))
	for y := range small.Rect.Dy() {
		draw.Draw(strip, strip.Rect, image.White, image.Point{}, draw.Src)
		draw.Draw(strip, strip.Rect, picture, from.Add(image.Pt(0, y*block)), draw.Over)
		for x := range small.Rect.Dx() {
			average(strip, x*block, block, small.Pix[small.PixOffset(x, y):])
		}
	}
	return scale(small, edge)
}

// average writes the mean colour of a block of the strip into a pixel.
func average(strip *image.RGBA, x, block int, pixel []uint8) {
	var sum [4]int
	for row := range block {
		line := strip.Pix[strip.PixOffset(x, row):]
		for i := range block * 4 {
			sum[i%4] += int(line[i])
		}
	}
	for i := range sum {
		pixel[i] = uint8(sum[i] / (block * block))
	}
}

func scale(from *image.RGBA, edge int) *image.RGBA {
	if from.Rect.Dx() == edge {
		return from
	}
	to := image.NewRGBA(image.Rect(0, 0, edge, edge))
	xdraw.CatmullRom.Scale(to, to.Rect, from, from.Rect, draw.Src, nil)
	return to
}

func renditions(large *image.RGBA) ([]rendition, error) {
	var list []rendition
	for _, size := range pictureSizes {
		var out bytes.Buffer
		if err := jpeg.Encode(&out, scale(large, size), &jpeg.Options{Quality: pictureQuality}); err != nil {
			return nil, fmt.Errorf("users: writing a picture: %w", err)
		}
		list = append(list, rendition{Size: size, Bytes: out.Bytes()})
	}
	return list, nil
}

// newPictureID makes an id that nobody can guess: who knows it was shown the
// picture by somebody who may see it.
func newPictureID() (v id.ID) {
	_, _ = rand.Read(v[:]) // never fails since Go 1.24
	return v
}
