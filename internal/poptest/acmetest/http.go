package acmetest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
)

// reply is an answer before it is an http.Response.
type reply struct {
	status int
	header http.Header
	body   []byte
	alien  bool // not the CA's own words, as from a proxy before it
}

func jsonReply(status int, v any) *reply {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // all that is marshalled here are our own types
	}
	rep := &reply{status: status, header: make(http.Header), body: body}
	rep.header.Set("Content-Type", "application/json")
	return rep
}

// RoundTrip answers a request for Options.Host, in the goroutine of the caller
// and without any I/O. It ends early, with the context's error, if req's
// context does.
func (ca *CA) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer req.Body.Close()
	}
	base := req.URL.Scheme + "://" + req.URL.Host
	if base != "https://"+ca.opts.Host {
		return nil, &net.DNSError{Err: "no such host", Name: req.URL.Host, IsNotFound: true}
	}
	rep, err := ca.serve(req, base)
	if err != nil {
		return nil, err
	}
	body := rep.body
	if req.Method == http.MethodHead {
		body = nil
	}
	return &http.Response{
		Status:        fmt.Sprintf("%d %s", rep.status, http.StatusText(rep.status)),
		StatusCode:    rep.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        rep.header,
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
		Request:       req,
	}, nil
}

// ServeHTTP is the same CA for a real HTTP server, under whatever name the
// client asks it by (its directory is then at that name, too). What would be a
// transport error aborts the connection.
func (ca *CA) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	scheme := "http"
	if req.TLS != nil {
		scheme = "https"
	}
	rep, err := ca.serve(req, scheme+"://"+req.Host)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	for key, values := range rep.header {
		w.Header()[key] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(rep.body)))
	w.WriteHeader(rep.status)
	if req.Method != http.MethodHead {
		w.Write(rep.body) // a client that went away misses nothing of ours
	}
}

// serve answers req, faults included.
func (ca *CA) serve(req *http.Request, base string) (*reply, error) {
	ctx := req.Context()
	c, err := ca.newCall(req, base)
	if err != nil {
		return nil, err
	}
	if c.stage != "nonce" {
		if err := pause(ctx, ca.opts.Latency); err != nil {
			return nil, err
		}
	}
	forFault := req.Clone(ctx)
	forFault.Body = io.NopCloser(bytes.NewReader(c.body))
	fault := ca.faultFor(c, forFault)

	var rep *reply
	if !fault.Late {
		rep, err = fault.strike(ctx)
	}
	if rep == nil && err == nil {
		rep = ca.answer(ctx, c)
		if fault.Late {
			if spoilt, spoiling := fault.strike(ctx); spoilt != nil || spoiling != nil {
				rep, err = spoilt, spoiling
			}
		}
	}
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ca.finish(c, rep, fault.Header)
	return rep, nil
}

// finish gives an answer its nonce (RFC 8555 §6.5) and the header that a fault
// asks for. Failed requests for a nonce get none: x/crypto/acme would use it.
func (ca *CA) finish(c *call, rep *reply, header http.Header) {
	rep.header.Set("Cache-Control", "no-store")
	failed := c.stage == "nonce" && rep.status >= http.StatusMultipleChoices
	if c.stage != "directory" && !rep.alien && !failed {
		rep.header.Set("Replay-Nonce", ca.nonce())
	}
	for key, values := range header {
		rep.header[http.CanonicalHeaderKey(key)] = values
	}
}

// answer does what c asks for.
func (ca *CA) answer(ctx context.Context, c *call) *reply {
	rep, err := ca.dispatch(ctx, c)
	if err != nil {
		return problemReply(asProblem(err, "serverInternal"))
	}
	return rep
}

func (ca *CA) dispatch(ctx context.Context, c *call) (*reply, error) {
	switch c.stage {
	case "other":
		return nil, notFound("resource")
	case "directory":
		return ca.directory(c)
	case "nonce":
		return ca.newNonce(c)
	}
	if err := ca.authenticate(c); err != nil {
		return nil, err
	}
	switch c.kind {
	case "new-account":
		return ca.newAccount(c)
	case "account":
		return ca.updateAccount(c)
	case "new-order":
		return ca.newOrder(c)
	case "order":
		return ca.pollOrder(c)
	case "finalize":
		return ca.finalize(c)
	case "certificate":
		return ca.certificate(c)
	case "authz":
		return ca.authorization(c)
	default:
		return ca.respond(ctx, c)
	}
}
