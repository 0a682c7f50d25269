package nemesis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/gorilla/websocket"

	"chatapp/e2e/harness"
	"chatapp/internal/client"
)

// rudePeople is how many sockets one fault of bad clients opens; 20 is the most
// one person may have.
const rudePeople = 12

// rude opens sockets of a new person through the gateway and hands each to
// misbehave, which ends with ctx.
func rude(kind string, least, most time.Duration, misbehave func(ctx context.Context, conn *websocket.Conn), check func(ctx context.Context, s *Stage, mallory *client.Client) error) Fault {
	return Fault{kind, []Part{Clients}, least, most, func(ctx context.Context, s *Stage) (string, Heal, error) {
		mallory := client.New(s.World.Front)
		if err := mallory.Register(ctx, "mallory-"+client.NewID()[:8]); err != nil {
			return "", nil, err
		}
		ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
		for range rudePeople {
			conn, _, err := client.DialRaw(ctx, s.World.Front.Notify, mallory.Session().AccessToken, "")
			if err != nil {
				stop()
				return "", nil, err
			}
			context.AfterFunc(ctx, func() { _ = conn.Close() })
			if err := conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"hello"}`)); err != nil {
				stop()
				return "", nil, err
			}
			go misbehave(ctx, conn)
		}
		err := check(ctx, s, mallory)
		return fmt.Sprintf("%d sockets", rudePeople), func(context.Context) error { stop(); return err }, nil
	}}
}

// deaf clients never read, while messages come in for them.
func deaf() Fault {
	return rude("clients that never read", 0, 0, func(context.Context, *websocket.Conn) {}, fatten)
}

// crawling clients read one byte per second.
func crawling() Fault {
	return rude("clients that read 1 byte/s", 0, 0, func(ctx context.Context, conn *websocket.Conn) {
		for one := make([]byte, 1); pause(ctx, time.Second); {
			if _, err := conn.NetConn().Read(one); err != nil {
				return
			}
		}
	}, fatten)
}

// fatten sends mallory more than any queue may hold.
func fatten(ctx context.Context, s *Stage, mallory *client.Client) error {
	fat := make([]byte, 3900)
	for i := range fat {
		fat[i] = 'x'
	}
	for range 300 {
		if _, _, err := mallory.Post(ctx, mallory.ID(), client.NewID(), harness.SecretBody+string(fat)); err != nil {
			var p *client.Problem
			if errors.As(err, &p) && (p.Status == 0 || p.Status >= 500 || p.Status == 429) {
				continue // something else is broken as well
			}
			return err
		}
	}
	return nil
}

// flooding clients write as many frames as they can.
func flooding() Fault {
	return rude("clients that flood", time.Second, 3*time.Second, func(ctx context.Context, conn *websocket.Conn) {
		for ctx.Err() == nil {
			if conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"typing","conversation_id":"0"}`)) != nil {
				return // closed on us, as it must be
			}
		}
	}, func(context.Context, *Stage, *client.Client) error { return nil })
}

// bloated clients send one frame of 64 MiB; it must end their connection.
func bloated() Fault {
	return rude("64 MiB frames", 0, 0, func(ctx context.Context, conn *websocket.Conn) {
		w, err := conn.NextWriter(websocket.BinaryMessage)
		for chunk := make([]byte, 1<<20); err == nil && ctx.Err() == nil; {
			_, err = w.Write(chunk)
		}
	}, func(ctx context.Context, s *Stage, mallory *client.Client) error {
		return nil
	})
}

// mute opens TCP connections to the gateway that never say a word.
func mute() Fault {
	return Fault{"mute connections", []Part{Clients}, time.Second, 3 * time.Second, func(ctx context.Context, s *Stage) (string, Heal, error) {
		const many = 300
		var conns []net.Conn
		for range many {
			c, err := net.Dial("tcp", s.World.Front.Notify[len("http://"):])
			if err != nil {
				return "", nil, err
			}
			conns = append(conns, c)
		}
		return fmt.Sprintf("%d connections", many), func(context.Context) error {
			for _, c := range conns {
				_ = c.Close()
			}
			return nil
		}, nil
	}}
}
