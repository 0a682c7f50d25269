package messages

import (
	"context"
	"net/http"

	"chatapp/libs/httpx"
)

// requestRoutes are the routes about who may write to whom.
func (s *Service) requestRoutes(h *httpx.Server) {
	httpx.Register(h, op(http.MethodGet, "/api/v1/contact-policy", "get-contact-policy", "Who may write to me first", ""), s.getPolicy)
	httpx.Register(h, op(http.MethodPut, "/api/v1/contact-policy", "set-contact-policy", "Say who may write to me first",
		"Counts for the next message of whom you have no conversation with. Conversations that are there stay as they are."), s.setPolicy)
	httpx.Register(h, op(http.MethodPost, "/api/v1/conversations/{id}/accept", "accept-request", "Accept a message request",
		"From now on a conversation like any other. So does writing an answer. Nothing happens when it is no request."), s.acceptRequest)
	httpx.Register(h, op(http.MethodPost, "/api/v1/conversations/{id}/ignore", "ignore-request", "Put a message request aside",
		"It is left out of the list of conversations; who asks is not told. Nothing happens when it is no request."), s.ignoreRequest)
}

type policyView struct {
	WhoMayWrite string `json:"who_may_write" enum:"everyone,contacts,nobody" doc:"contacts: whom you have written to or accepted. nobody: nobody new, and who asks already gets no further"`
	AskFirst    bool   `json:"ask_first" doc:"The first messages of someone new are a request: at most 3, and nothing is shown of you until you accept"`
}

type policyBody struct{ Body policyView }

func (s *Service) getPolicy(ctx context.Context, _ *struct{}) (*policyBody, error) {
	p, err := s.store.policy(ctx, caller(ctx))
	return &policyBody{Body: p.view()}, err
}

func (s *Service) setPolicy(ctx context.Context, in *policyBody) (*policyBody, error) {
	return in, s.store.savePolicy(ctx, auditorOf(ctx), in.Body.policy())
}

func (s *Service) acceptRequest(ctx context.Context, in *conversationInput) (*conversationOutput, error) {
	return s.decide(ctx, in.ID, accept)
}

func (s *Service) ignoreRequest(ctx context.Context, in *conversationInput) (*conversationOutput, error) {
	return s.decide(ctx, in.ID, ignore)
}
