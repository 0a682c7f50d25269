package nemesis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"chatapp/e2e/harness"
	"chatapp/internal/client"
)

// rudePeople is how many sockets one fault of bad clients opens; 20 is the most
// one person may have.
const rudePeople = 12

// manners is what a kind of rude people does on each of its sockets.
type manners struct {
	kind        string
	least, most time.Duration
	// misbehave ends with ctx, or when the socket does.
	misbehave func(ctx context.Context, conn *websocket.Conn)
	// meanwhile is done for their account, mallory, while they misbehave.
	meanwhile func(ctx context.Context, mallory *client.Client) error
	// thrownOut says that the server must end every one of the sockets.
	thrownOut bool
}

// rude makes a fault of people with bad manners: a new person opens sockets
// through the gateway and misbehaves on each.
func rude(m manners) Fault {
	return Fault{m.kind, []Part{Clients}, m.least, m.most, func(ctx context.Context, s *Stage) (string, Heal, error) {
		mallory := client.New(s.World.Front)
		if err := mallory.Register(ctx, "mallory-"+client.NewID()[:8]); err != nil {
			return "", nil, err
		}
		still, stop := context.WithCancel(context.WithoutCancel(ctx))
		var sockets sync.WaitGroup
		for range rudePeople {
			conn, _, err := client.DialRaw(ctx, s.World.Front.Notify, mallory.Session().AccessToken, "")
			if err == nil {
				context.AfterFunc(still, func() { _ = conn.Close() })
				err = conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"hello"}`))
			}
			if err != nil {
				stop()
				return "", nil, err
			}
			sockets.Go(func() { m.misbehave(still, conn) })
		}
		var err error
		if m.meanwhile != nil {
			err = m.meanwhile(ctx, mallory)
		}
		return fmt.Sprintf("%d sockets", rudePeople), func(context.Context) error {
			defer stop()
			ended := make(chan struct{})
			go func() { sockets.Wait(); close(ended) }()
			if m.thrownOut {
				select {
				case <-ended:
				case <-time.After(20 * time.Second):
					return errors.New("the server bears with people it must throw out")
				}
			}
			return err
		}, nil
	}}
}

// deaf clients never read, while messages come in for them.
func deaf() Fault {
	return rude(manners{kind: "clients that never read", meanwhile: fatten, misbehave: func(context.Context, *websocket.Conn) {}})
}

// crawling clients read one byte per second.
func crawling() Fault {
	return rude(manners{kind: "clients that read 1 byte/s", meanwhile: fatten, misbehave: func(ctx context.Context, conn *websocket.Conn) {
		for one := make([]byte, 1); pause(ctx, time.Second); {
			if _, err := conn.NetConn().Read(one); err != nil {
				return
			}
		}
	}})
}

// fatten sends mallory more than any queue may hold.
func fatten(ctx context.Context, mallory *client.Client) error {
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
	return rude(manners{kind: "clients that flood", least: time.Second, most: 3 * time.Second, thrownOut: true, misbehave: func(ctx context.Context, conn *websocket.Conn) {
		for ctx.Err() == nil {
			if conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"typing","conversation_id":"0"}`)) != nil {
				return
			}
		}
	}})
}

// bloated clients send a frame that never ends; 64 MiB is what it gets to.
func bloated() Fault {
	return rude(manners{kind: "64 MiB frames", thrownOut: true, misbehave: func(ctx context.Context, conn *websocket.Conn) {
		w, err := conn.NextWriter(websocket.BinaryMessage)
		for chunk := make([]byte, 1<<20); err == nil && ctx.Err() == nil; {
			_, err = w.Write(chunk)
		}
	}})
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
