package users

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"chatapp/libs/errs"
)

var (
	red   = color.RGBA{200, 20, 20, 255}
	green = color.RGBA{20, 200, 20, 255}
	blue  = color.RGBA{20, 20, 200, 255}
)

// flag is a picture of three columns.
func flag(w, h int) *image.RGBA {
	p := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			p.SetRGBA(x, y, []color.RGBA{red, green, blue}[x*3/w])
		}
	}
	return p
}

func encoded(t testing.TB, mime string, p image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	err := map[string]func() error{
		"image/png":  func() error { return png.Encode(&b, p) },
		"image/jpeg": func() error { return jpeg.Encode(&b, p, &jpeg.Options{Quality: 95}) },
		"image/gif": func() error { // with a palette of its own: to find one takes seconds
			few := image.NewPaletted(p.Bounds(), color.Palette{red, green, blue, color.White})
			draw.Draw(few, few.Bounds(), p, p.Bounds().Min, draw.Src)
			return gif.Encode(&b, few, nil)
		},
	}[mime]()
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func file(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// rendered renders and decodes again.
func rendered(t *testing.T, mime string, data []byte) []image.Image {
	t.Helper()
	list, err := newStudio().render(t.Context(), mime, data)
	if err != nil {
		t.Fatalf("%s: %v", mime, err)
	}
	var pictures []image.Image
	for i, r := range list {
		p, err := jpeg.Decode(bytes.NewReader(r.Bytes))
		if err != nil || r.Size != pictureSizes[i] || p.Bounds() != image.Rect(0, 0, r.Size, r.Size) {
			t.Fatalf("%s in %d: %v, %v", mime, r.Size, p.Bounds(), err)
		}
		pictures = append(pictures, p)
	}
	if len(pictures) != len(pictureSizes) {
		t.Fatalf("%d sizes", len(pictures))
	}
	return pictures
}

func wantColour(t *testing.T, p image.Image, x, y int, want color.RGBA) {
	t.Helper()
	r, g, b, _ := p.At(x, y).RGBA()
	for i, got := range []uint32{r >> 8, g >> 8, b >> 8} {
		if diff := int(got) - int([]uint8{want.R, want.G, want.B}[i]); diff > 60 || diff < -60 {
			t.Fatalf("at %d,%d %d %d %d, want %v", x, y, r>>8, g>>8, b>>8, want)
		}
	}
}

func TestPictureIsItsMiddleInEachSize(t *testing.T) {
	for _, size := range []image.Point{{30, 10}, {900, 300}, {4500, 1500}, {513, 171}} {
		whole := flag(size.X, size.Y)
		for _, mime := range []string{"image/png", "image/jpeg", "image/gif"} {
			for _, p := range rendered(t, mime, encoded(t, mime, whole)) {
				edge := p.Bounds().Dx()
				for _, at := range []image.Point{{edge / 8, edge / 8}, {edge / 2, edge / 2}, {edge * 7 / 8, edge * 7 / 8}} {
					wantColour(t, p, at.X, at.Y, green)
				}
			}
		}
	}
	for _, name := range []string{"lossy.webp", "lossless.webp", "alpha.webp"} {
		rendered(t, "image/webp", file(t, name))
	}
	empty := image.NewNRGBA(image.Rect(0, 0, 100, 100))
	wantColour(t, rendered(t, "image/png", encoded(t, "image/png", empty))[0], 256, 256, color.RGBA{255, 255, 255, 255})
}

// exif makes an APP1 segment with an orientation and a place.
func exif(orientation uint16) []byte {
	tiff := append([]byte("MM\x00\x2a\x00\x00\x00\x08"), 0, 2)
	tiff = append(tiff, 0x88, 0x25, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0) // GPS, before the orientation
	tiff = binary.BigEndian.AppendUint16(append(tiff, 0x01, 0x12, 0, 3, 0, 0, 0, 1), orientation)
	tiff = append(tiff, 0, 0)
	tiff = append(tiff, "GPSLatitude 52.5200 Canon EOS"...)
	body := append([]byte("Exif\x00\x00"), tiff...)
	return append(binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(body)+2)), body...)
}

func withExif(jpg []byte, orientation uint16) []byte {
	return append(append([]byte{0xff, 0xd8}, exif(orientation)...), jpg[2:]...)
}

func TestPictureIsUpright(t *testing.T) {
	// Four quarters: red in the upper left, green in the upper right, blue below.
	p := image.NewRGBA(image.Rect(0, 0, 512, 512))
	for y := range 512 {
		for x := range 512 {
			c := blue
			if y < 256 {
				c = []color.RGBA{red, green}[x/256]
			}
			p.SetRGBA(x, y, c)
		}
	}
	data := encoded(t, "image/jpeg", p)
	for orientation, want := range map[uint16][4]color.RGBA{ // upper left, upper right, lower left, lower right
		0: {red, green, blue, blue}, 1: {red, green, blue, blue}, 9: {red, green, blue, blue},
		2: {green, red, blue, blue}, 3: {blue, blue, green, red}, 4: {blue, blue, red, green},
		5: {red, blue, green, blue}, 6: {blue, red, blue, green}, 7: {blue, green, blue, red}, 8: {green, blue, red, blue},
	} {
		got := rendered(t, "image/jpeg", withExif(data, orientation))[0]
		for i, c := range want {
			t.Logf("orientation %d, quarter %d", orientation, i)
			wantColour(t, got, 100+300*(i%2), 100+300*(i/2), c)
		}
	}
}

func TestNothingElseOfTheFileIsKept(t *testing.T) {
	html := []byte("<script>alert(document.cookie)</script>")
	jpg := append(withExif(encoded(t, "image/jpeg", flag(300, 300)), 1), html...)
	text := append([]byte("tEXt"), append([]byte("Comment\x00"), html...)...)
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(text)-4))
	chunk = binary.BigEndian.AppendUint32(append(chunk, text...), crc32.ChecksumIEEE(text))
	pic := encoded(t, "image/png", flag(300, 300))
	pic = append(append(append(bytes.Clone(pic[:33]), chunk...), pic[33:]...), "PK\x03\x04evil.zip"...)
	for mime, data := range map[string][]byte{"image/jpeg": jpg, "image/png": pic} {
		list, err := newStudio().render(t.Context(), mime, data)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			for _, word := range []string{"Exif", "GPS", "52.5200", "Canon", "script", "PK\x03\x04", "Comment"} {
				if bytes.Contains(r.Bytes, []byte(word)) {
					t.Errorf("%s in %d holds %q", mime, r.Size, word)
				}
			}
		}
	}
}

// bigPNG says that it is this large and holds nothing.
func bigPNG(w, h uint32, depth, kind byte) []byte {
	header := append([]byte("IHDR"), binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)...)
	header = append(header, depth, kind, 0, 0, 0)
	b := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), header...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(header))
}

// bigJPEG has a frame of this kind and size, and after it nothing.
func bigJPEG(marker byte, w, h uint16) []byte {
	b := []byte{0xff, 0xd8, 0xff, marker, 0, 17, 8}
	b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, h), w)
	b = append(b, 3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0)
	return append(b, 0xff, 0xda, 0, 12, 3, 1, 0, 2, 0x11, 3, 0x11, 0, 63, 0, 0xff, 0xd9)
}

// bigWebP says in its first chunk that it is small and in the next that it is huge.
func bigWebP() []byte {
	lossless := []byte{0x2f, 0xff, 0xff, 0xff, 0x0f, 0}
	body := append([]byte("WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00\x07\x00\x00\x07\x00\x00VP8L\x06\x00\x00\x00"), lossless...)
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

func TestPictureRefused(t *testing.T) {
	good := encoded(t, "image/png", flag(90, 90))
	jpg := encoded(t, "image/jpeg", flag(90, 90))
	for name, c := range map[string]struct {
		mime string
		data []byte
		want errs.Slug
	}{
		"svg":              {"image/svg+xml", []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>`), errs.UnsupportedMediaType},
		"svg as png":       {"image/png", []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), errs.UnsupportedMediaType},
		"html as jpeg":     {"image/jpeg", []byte("<html><script>alert(1)</script>"), errs.UnsupportedMediaType},
		"jpeg as png":      {"image/png", jpg, errs.UnsupportedMediaType},
		"bmp":              {"image/png", append([]byte("BM"), make([]byte, 100)...), errs.UnsupportedMediaType},
		"nothing":          {"image/png", nil, errs.UnsupportedMediaType},
		"magic alone":      {"image/png", good[:8], errs.InvalidBody},
		"cut png":          {"image/png", good[:len(good)/2], errs.InvalidBody},
		"cut jpeg":         {"image/jpeg", jpg[:len(jpg)/2], errs.InvalidBody},
		"no pixels":        {"image/png", bigPNG(0, 7, 8, 2), errs.InvalidBody},
		"large png":        {"image/png", bigPNG(8001, 5000, 8, 2), errs.TooLarge},
		"huge png":         {"image/png", bigPNG(1<<31-1, 1<<31-1, 8, 2), errs.InvalidBody},
		"deep png":         {"image/png", bigPNG(6000, 6000, 16, 6), errs.TooLarge},
		"large jpeg":       {"image/jpeg", bigJPEG(0xc0, 65500, 65500), errs.TooLarge},
		"progressive":      {"image/jpeg", bigJPEG(0xc2, 6000, 6000), errs.TooLarge},
		"hidden frame":     {"image/jpeg", append([]byte{0xff, 0xd8, 0xff, 0xd0, 0, 1, 0xff}, bigJPEG(0xc2, 6000, 6000)[2:]...), errs.TooLarge},
		"large gif":        {"image/gif", []byte("GIF89a\xff\xff\xff\xff\x00\x00\x00;"), errs.TooLarge},
		"webp in disguise": {"image/webp", bigWebP(), errs.InvalidBody},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := newStudio().render(t.Context(), c.mime, c.data)
		runtime.ReadMemStats(&after)
		if !errs.Is(err, c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 4<<20 {
			t.Errorf("%s: took %d bytes to refuse", name, grown)
		}
	}
}

// TestOnePictureAtATime: who waits for the desk can give up.
func TestOnePictureAtATime(t *testing.T) {
	s := newStudio()
	s.desk <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.render(ctx, "image/png", encoded(t, "image/png", flag(9, 9))); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	<-s.desk
	if _, err := s.render(t.Context(), "image/png", encoded(t, "image/png", flag(9, 9))); err != nil || len(s.desk) != 0 {
		t.Error(err)
	}
}

// FuzzPicture: whatever comes, it is a picture or refused, and nothing breaks.
func FuzzPicture(f *testing.F) {
	for _, mime := range []string{"image/png", "image/jpeg", "image/gif"} {
		f.Add(encoded(f, mime, flag(20, 20)))
	}
	f.Add(withExif(encoded(f, "image/jpeg", flag(20, 20)), 6))
	f.Add(bigWebP())
	f.Add(file(f, "lossless.webp"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, _, err := image.DecodeConfig(bytes.NewReader(data)); err == nil && c.Width*c.Height > 1<<20 {
			return // slow, not interesting
		}
		for _, format := range formats {
			list, err := newStudio().render(t.Context(), format.mime, data)
			if (err == nil) != (len(list) == len(pictureSizes)) {
				t.Errorf("%d sizes, %v", len(list), err)
			}
		}
	})
}
