package load

import "encoding/hex"

// A client_id of ours is a UUID that says which message it is, so that a frame
// is recognised without a table:
//
//	mmmmmmmm-rrrr-4rrr-8fff-ffnnnnnnnnnn
//
// m is noise, so that the ids are spread in an index like a real client's; r
// tells runs apart; f is the sender's flow; n is the number of the message.
const (
	idLength = 36
	maxFlows = 1 << 20
	maxRun   = 1 << 28
	maxN     = 1<<40 - 1
)

const digits = "0123456789abcdef"

// putHex writes the low digits of v over all of to.
func putHex(to []byte, v uint64) {
	for i := len(to) - 1; i >= 0; i-- {
		to[i] = digits[v&15]
		v >>= 4
	}
}

// putID writes the id of message n of a flow over to, idLength bytes.
func putID(to []byte, run uint32, flow int, n uint64) {
	noise := (n + uint64(flow)<<32 + 1) * 0x9e3779b97f4a7c15
	putHex(to[0:8], noise>>32)
	putHex(to[9:13], uint64(run>>12))
	putHex(to[15:18], uint64(run))
	putHex(to[20:23], uint64(flow>>8))
	putHex(to[24:26], uint64(flow))
	putHex(to[26:36], n)
	to[8], to[13], to[18], to[23], to[14], to[19] = '-', '-', '-', '-', '4', '8'
}

// readID reads what putID wrote; ok is false for ids of others.
func readID(id []byte, run uint32) (flow int, n uint64, ok bool) {
	if len(id) < idLength {
		return 0, 0, false
	}
	var raw [16]byte
	for _, part := range [...][3]int{{0, 0, 8}, {4, 9, 13}, {6, 14, 18}, {8, 19, 23}, {10, 24, 36}} {
		if _, err := hex.Decode(raw[part[0]:], id[part[1]:part[2]]); err != nil {
			return 0, 0, false
		}
	}
	r := uint32(raw[4])<<20 | uint32(raw[5])<<12 | uint32(raw[6]&15)<<8 | uint32(raw[7])
	if r != run || raw[6]>>4 != 4 || raw[8]>>4 != 8 {
		return 0, 0, false
	}
	flow = int(raw[8]&15)<<16 | int(raw[9])<<8 | int(raw[10])
	for _, b := range raw[11:] {
		n = n<<8 | uint64(b)
	}
	return flow, n, true
}
