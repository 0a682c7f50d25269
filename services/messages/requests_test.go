package messages

import (
	"strconv"
	"sync"
	"testing"

	"chatapp/libs/errs"
	"chatapp/libs/events"
	"chatapp/libs/id"
)

func (w *world) policy(of actor, who string, askFirst bool) {
	w.t.Helper()
	w.call(of, "PUT", "/api/v1/contact-policy", fields{"who_may_write": who, "ask_first": askFirst}).Want(200)
}

func (w *world) listed(as actor, filter string) []conversationView {
	w.t.Helper()
	var page struct{ Items []conversationView }
	w.call(as, "GET", "/api/v1/conversations?filter="+filter, nil).Want(200).JSON(&page)
	return page.Items
}

func (w *world) conversation(as actor, conversation string) conversationView {
	w.t.Helper()
	var c conversationView
	w.call(as, "GET", "/api/v1/conversations/"+conversation, nil).Want(200).JSON(&c)
	return c
}

func (w *world) decide(as actor, conversation, what string) conversationView {
	w.t.Helper()
	var c conversationView
	w.call(as, "POST", "/api/v1/conversations/"+conversation+"/"+what, nil).Want(200).JSON(&c)
	return c
}

// What a policy means for what Ada may write to Ben, by what was between them.
func TestPolicies(t *testing.T) {
	relations := map[string]func(w *world){
		"none":      func(*world) {},
		"opened":    func(w *world) { w.call(w.ada, "POST", "/api/v1/conversations", fields{"user_id": w.ben.id}).Want(200) },
		"she wrote": func(w *world) { w.post(w.ada, w.ben, "before") },
		"he wrote":  func(w *world) { w.post(w.ben, w.ada, "before") },
		"asked": func(w *world) {
			w.policy(w.ben, "everyone", true)
			w.post(w.ada, w.ben, "before")
		},
		"accepted": func(w *world) {
			w.policy(w.ben, "everyone", true)
			w.decide(w.ben, w.post(w.ada, w.ben, "before").ConversationID, "accept")
		},
		"answered": func(w *world) {
			w.policy(w.ben, "everyone", true)
			w.post(w.ada, w.ben, "before")
			w.post(w.ben, w.ada, "yes?")
		},
		"ignored": func(w *world) {
			w.policy(w.ben, "everyone", true)
			w.decide(w.ben, w.post(w.ada, w.ben, "before").ConversationID, "ignore")
		},
	}
	// The state of the request afterwards, as Ben sees it; "403" when refused.
	want := map[string][4]string{ // everyone, everyone asking first, contacts, nobody
		"none":      {"none", "incoming", "403", "403"},
		"opened":    {"none", "incoming", "403", "403"},
		"she wrote": {"none", "none", "none", "none"},
		"he wrote":  {"none", "none", "none", "none"},
		"asked":     {"incoming", "incoming", "incoming", "403"},
		"accepted":  {"none", "none", "none", "none"},
		"answered":  {"none", "none", "none", "none"},
		"ignored":   {"ignored", "ignored", "ignored", "403"},
	}
	each(t, func(w *world) {
		for name, states := range want {
			for i, state := range states {
				w.ada, w.ben = w.person("a"+id.New().String()[24:], "Ada"), w.person("b"+id.New().String()[24:], "Ben")
				relations[name](w)
				w.policy(w.ben, []string{"everyone", "everyone", "contacts", "nobody"}[i], i == 1)
				if state == "403" {
					w.refused(w.ada, w.ben)
					continue
				}
				m := w.post(w.ada, w.ben, "now")
				if got := w.conversation(w.ben, m.ConversationID).Request; got != state {
					w.t.Errorf("%s, policy %d: %s, want %s", name, i, got, state)
				}
			}
		}
	})
}

// A policy is what was saved last, and nothing else than its three values.
func TestPolicyIsKept(t *testing.T) {
	each(t, func(w *world) {
		get := func() (v policyView) {
			w.call(w.ben, "GET", "/api/v1/contact-policy", nil).Want(200).JSON(&v)
			return v
		}
		if v := get(); v != (policyView{WhoMayWrite: "everyone"}) {
			w.t.Errorf("%+v", v)
		}
		for _, want := range []policyView{{"contacts", true}, {"nobody", false}, {"everyone", true}} {
			w.policy(w.ben, want.WhoMayWrite, want.AskFirst)
			if v := get(); v != want {
				w.t.Errorf("%+v, want %+v", v, want)
			}
		}
		w.call(w.ben, "PUT", "/api/v1/contact-policy", fields{"who_may_write": "friends", "ask_first": true}).Want(400)
		w.policy(w.ben, "nobody", false)
		w.refused(w.ada, w.ben)
		w.post(w.ben, w.ada, "but I may write")
		w.post(w.ada, w.ben, "and be answered")
		w.policy(w.eve, "nobody", false)
		w.policy(w.eve, "everyone", false)
		w.post(w.ada, w.eve, "open again")
	})
}

// However a first message and a policy meet, who got through may go on, and who
// was refused stays refused: nothing is half a request.
func TestPolicyRacesTheFirstMessage(t *testing.T) {
	each(t, func(w *world) {
		for range 20 {
			writer, reader := w.person("w"+id.New().String()[24:], "Writer"), w.person("r"+id.New().String()[24:], "Reader")
			var status int
			var both sync.WaitGroup
			both.Go(func() { status = w.call(writer, "POST", "/api/v1/messages", newPost(reader, "hello")).Status })
			both.Go(func() { w.policy(reader, "contacts", false) })
			both.Wait()
			if status == 403 {
				w.refused(writer, reader)
			} else {
				w.post(writer, reader, "it was there before the policy")
			}
		}
	})
}

// A policy that was answered holds for every conversation that was opened while
// it was saved: it comes before or after, never between.
func TestPolicyRacesOpening(t *testing.T) {
	each(t, func(w *world) {
		for range 15 {
			reader := w.person("r"+id.New().String()[24:], "Reader")
			var all sync.WaitGroup
			strangers := make([]actor, 8)
			for i := range strangers {
				strangers[i] = w.person("s"+id.New().String()[24:], "Stranger")
				all.Go(func() { w.call(strangers[i], "POST", "/api/v1/conversations", fields{"user_id": reader.id}).Want(200) })
			}
			all.Go(func() { w.policy(reader, "contacts", false) })
			all.Wait()
			for _, stranger := range strangers {
				w.refused(stranger, reader)
			}
		}
	})
}

// While a request waits, three messages come through and the fourth is refused
// in clear words; the retry of one that was saved is answered.
func TestRequestLimit(t *testing.T) {
	each(t, func(w *world) {
		w.policy(w.ben, "everyone", true)
		first := newPost(w.ben, "1")
		w.call(w.ada, "POST", "/api/v1/messages", first).Want(201)
		w.post(w.ada, w.ben, "2")
		m := w.post(w.ada, w.ben, "3")
		fourth := newPost(w.ben, "4")
		p := w.call(w.ada, "POST", "/api/v1/messages", fourth).Want(403).WantProblem(errs.AwaitingAnswer)
		if p.Detail != "You have sent 3 messages. You can write more when you are answered." {
			w.t.Error(p.Detail)
		}
		w.call(w.ada, "POST", "/api/v1/messages", first).Want(200)
		w.decide(w.ben, m.ConversationID, "ignore")
		w.call(w.ada, "POST", "/api/v1/messages", newPost(w.ben, "4")).Want(403)
		w.decide(w.ben, m.ConversationID, "accept")
		w.call(w.ada, "POST", "/api/v1/messages", fourth).Want(201)
		if c := w.conversation(w.ben, m.ConversationID); c.LastSeq != 4 || c.Request != "none" {
			w.t.Errorf("%+v", c)
		}
	})
}

// Many first messages at once are never more than three.
func TestRequestLimitAtOnce(t *testing.T) {
	each(t, func(w *world) {
		w.policy(w.ben, "everyone", true)
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() { w.call(w.ada, "POST", "/api/v1/messages", newPost(w.ben, "hello")) })
		}
		all.Wait()
		if c := w.listed(w.ben, "requests")[0]; c.LastSeq != 3 {
			w.t.Errorf("%d messages", c.LastSeq)
		}
	})
}

// A request is read in secret; accepting it shows the mark and tells the own
// devices; ignoring it tells them alone and takes it out of the list.
func TestAcceptAndIgnore(t *testing.T) {
	each(t, func(w *world) {
		w.policy(w.ben, "everyone", true)
		a, e := w.post(w.ada, w.ben, "hello"), w.post(w.eve, w.ben, "hey")
		seen := w.record()
		w.call(w.ben, "PUT", "/api/v1/conversations/"+a.ConversationID+"/read", fields{"seq": 1}).Want(200)
		seen.Expect(w.t, logged(w.ben))
		if c := w.conversation(w.ada, a.ConversationID); c.PeerReadSeq != 0 || c.Request != "none" {
			w.t.Errorf("%+v", c)
		}
		if c := w.decide(w.ben, a.ConversationID, "accept"); c.Request != "none" {
			w.t.Errorf("%+v", c)
		}
		seen.Expect(w.t, logged(w.ben), logged(w.ada))
		if c := w.conversation(w.ada, a.ConversationID); c.PeerReadSeq != 1 {
			w.t.Errorf("%+v", c)
		}
		if c := w.decide(w.ben, e.ConversationID, "ignore"); c.Request != "ignored" {
			w.t.Errorf("%+v", c)
		}
		w.decide(w.ben, e.ConversationID, "ignore") // again: nothing
		w.decide(w.ben, a.ConversationID, "ignore") // no request: nothing
		seen.Expect(w.t, logged(w.ben))
		if list := w.conversations(w.ben); len(list) != 1 || list[0].ID != a.ConversationID {
			w.t.Errorf("%+v", list)
		}
		if n, m := len(w.listed(w.ben, "requests")), len(w.listed(w.ben, "ignored")); n != 0 || m != 1 {
			w.t.Errorf("%d requests, %d ignored", n, m)
		}
		w.call(w.ada, "POST", "/api/v1/conversations/"+e.ConversationID+"/accept", nil).Want(404)
		w.wholeLog(w.ben)
		w.wholeLog(w.ada)
	})
}

// wholeLog checks that a log is dense from its beginning.
func (w *world) wholeLog(of actor) {
	w.t.Helper()
	for i, e := range w.log(of, "").Items {
		if e.Seq != uint64(i+1) {
			w.t.Errorf("entry %d has the number %d", i+1, e.Seq)
		}
	}
}

// Nobody is told of typing while a request waits.
func TestNoTypingInRequests(t *testing.T) {
	each(t, func(w *world) {
		w.policy(w.ben, "everyone", true)
		m := w.post(w.ada, w.ben, "hello")
		members := func() int {
			var reply events.MembersReply
			must(w.t, w.deps.Bus.Request(w.t.Context(), events.RPCMembers, events.MembersRequest{ConversationID: m.ConversationID, UserID: w.ben.id.String()}, &reply))
			return len(reply.UserIDs)
		}
		if n := members(); n != 1 {
			w.t.Errorf("%d members", n)
		}
		w.post(w.ben, w.ada, "an answer accepts")
		if n := members(); n != 2 {
			w.t.Errorf("%d members", n)
		}
	})
}

// A block of who asks refuses as any block; lifted, the request waits as before.
func TestBlockedRequest(t *testing.T) {
	each(t, func(w *world) {
		w.policy(w.ben, "everyone", true)
		m := w.post(w.ada, w.ben, "hello")
		w.block(w.ben, w.ada, true, 1)
		w.refused(w.ada, w.ben)
		w.decide(w.ben, m.ConversationID, "ignore")
		w.block(w.ben, w.ada, false, 2)
		w.post(w.ada, w.ben, "2")
		if c := w.conversation(w.ben, m.ConversationID); c.Request != "ignored" || c.Blocked {
			w.t.Errorf("%+v", c)
		}
	})
}

// Pages of requests hold requests only, and each once.
func TestRequestPages(t *testing.T) {
	each(t, func(w *world) {
		w.post(w.ada, w.ben, "an old friend")
		w.policy(w.ben, "everyone", true)
		for i := range 5 {
			w.post(w.person("s"+strconv.Itoa(i), "Stranger"), w.ben, "hello")
		}
		seen := map[string]bool{}
		for query := "?filter=requests&limit=2"; query != ""; {
			var page struct {
				Items      []conversationView
				NextCursor *string `json:"next_cursor"`
				Total      int
			}
			w.call(w.ben, "GET", "/api/v1/conversations"+query, nil).Want(200).JSON(&page)
			if page.Total != 5 {
				w.t.Errorf("%d in all", page.Total)
			}
			for _, c := range page.Items {
				seen[c.ID] = c.Request == "incoming"
			}
			if query = ""; page.NextCursor != nil {
				query = "?filter=requests&limit=2&cursor=" + *page.NextCursor
			}
		}
		if len(seen) != 5 {
			w.t.Errorf("%v", seen)
		}
		if n := len(w.conversations(w.ben)); n != 6 {
			w.t.Errorf("%d conversations", n)
		}
	})
}

// Who hides how far they have read hides it also when they accept.
func TestAcceptingInSecret(t *testing.T) {
	each(t, func(w *world) {
		w.receipts(w.ben, false, 1)
		w.policy(w.ben, "everyone", true)
		m := w.post(w.ada, w.ben, "hello")
		seen := w.record()
		w.call(w.ben, "PUT", "/api/v1/conversations/"+m.ConversationID+"/read", fields{"seq": 1}).Want(200)
		w.decide(w.ben, m.ConversationID, "accept")
		seen.Expect(w.t, logged(w.ben), logged(w.ben))
		if c := w.conversation(w.ada, m.ConversationID); c.PeerReadSeq != 0 {
			w.t.Errorf("%+v", c)
		}
	})
}
