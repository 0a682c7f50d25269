package users

import (
	"encoding/binary"
	"image"
)

// jpegFacts is what a JPEG's header says besides what image/jpeg tells.
type jpegFacts struct {
	progressive bool
	components  int
	orientation int // of EXIF, 1..8; 1 is upright
}

// readJPEG walks the segments up to the first frame, in the way of image/jpeg, so
// that both see the same frame. What it does not understand is left to the
// decoder to refuse.
func readJPEG(data []byte) jpegFacts {
	facts := jpegFacts{orientation: 1}
	for at := 2; at+4 <= len(data); {
		if data[at] != 0xff {
			at++
			continue
		}
		marker := data[at+1]
		switch {
		case marker == 0xff: // padding
			at++
			continue
		case marker == 0, marker >= 0xd0 && marker <= 0xd7:
			at += 2
			continue
		}
		length := int(binary.BigEndian.Uint16(data[at+2:]))
		if length < 2 || at+2+length > len(data) {
			return facts
		}
		body := data[at+4 : at+2+length]
		switch marker {
		case 0xc0, 0xc1, 0xc2: // the frame
			facts.progressive = marker == 0xc2
			if len(body) > 5 {
				facts.components = int(body[5])
			}
			return facts
		case 0xd9, 0xda: // the end, or pixels before a frame
			return facts
		case 0xe1:
			if o := exifOrientation(body); o != 0 {
				facts.orientation = o
			}
		}
		at += 2 + length
	}
	return facts
}

// exifOrientation finds the tag in an APP1 segment; 0 when there is none.
func exifOrientation(segment []byte) int {
	const header, tag = "Exif\x00\x00", 0x0112
	if len(segment) < len(header)+8 || string(segment[:len(header)]) != header {
		return 0
	}
	tiff := segment[len(header):]
	var order binary.ByteOrder = binary.LittleEndian
	switch string(tiff[:2]) {
	case "II":
	case "MM":
		order = binary.BigEndian
	default:
		return 0
	}
	first := int64(order.Uint32(tiff[4:]))
	if first+2 > int64(len(tiff)) {
		return 0
	}
	entries := tiff[first+2:]
	for range order.Uint16(tiff[first:]) {
		if len(entries) < 12 {
			return 0
		}
		if order.Uint16(entries) == tag {
			if o := int(order.Uint16(entries[8:])); o >= 1 && o <= 8 {
				return o
			}
			return 0
		}
		entries = entries[12:]
	}
	return 0
}

// upright turns and mirrors a square as EXIF says that its camera was held.
func upright(p *image.RGBA, orientation int) *image.RGBA {
	last := p.Rect.Dx() - 1
	source := map[int]func(x, y int) (int, int){
		2: func(x, y int) (int, int) { return last - x, y },
		3: func(x, y int) (int, int) { return last - x, last - y },
		4: func(x, y int) (int, int) { return x, last - y },
		5: func(x, y int) (int, int) { return y, x },
		6: func(x, y int) (int, int) { return y, last - x },
		7: func(x, y int) (int, int) { return last - y, last - x },
		8: func(x, y int) (int, int) { return last - y, x },
	}[orientation]
	if source == nil {
		return p
	}
	turned := image.NewRGBA(p.Rect)
	for y := range last + 1 {
		for x := range last + 1 {
			sx, sy := source(x, y)
			turned.SetRGBA(x, y, p.RGBAAt(sx, sy))
		}
	}
	return turned
}
