package tlsconf

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// requestTimeout bounds one exchange with a CA.
	requestTimeout = 30 * time.Second
	// maxAnswer bounds a CA's answer, in bytes.
	maxAnswer = 1 << 20
	// maxPoll bounds how long the CA lets itself be waited for between two looks
	// at an order. It is also how long an order that was called off may linger,
	// as autocert sleeps without looking up.
	maxPoll = 3 * time.Second
	// minPoll is how long it is waited for at least.
	minPoll = time.Second
	// maxDetail bounds the CA's words about a problem, in octets.
	maxDetail = 1 << 10
	// maxRetryAfter bounds how long a CA is left alone because it asked for it.
	// Then one try will tell.
	maxRetryAfter = 24 * time.Hour
	// shownSkew: clocks that differ by less are not worth a word.
	shownSkew = time.Hour
)

// errOver is what requests of an order meet that is over, or was called off.
var errOver = errors.New("the order is over")

// errOneOrder stops autocert from making another order when one has failed.
var errOneOrder = errors.New("one order was made, and that's enough")

// wire carries one order's requests to the CA. It is brake and witness:
//
//   - requests fail once the order is over, as autocert goes on by itself;
//   - a second order is refused: when to try again is not autocert's to say;
//   - challenges other than the one chosen are struck out, as autocert would
//     try one that can't be answered first, and burn a failed validation;
//   - the CA's problem documents are remembered, as autocert drops them.
type wire struct {
	base      http.RoundTripper
	directory string
	challenge string
	now       func() time.Time
	// over is done when the order is. Deliberate: a context that is stored, as
	// autocert's own are not derived from any.
	over context.Context

	mu       sync.Mutex
	newOrder string // URL
	ordered  bool
	problem  *OrderError
	skew     time.Duration
}

// RoundTrip carries one request.
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	if w.over.Err() != nil {
		return nil, errOver
	}
	if req.URL.Scheme != "https" {
		// RFC 8555 §6.1. The directory was checked; what it names was not.
		err := fmt.Errorf("the CA names %q, which is no https address", bounded(req.URL.Redacted(), maxDetail))
		w.failed(err)
		return nil, err
	}
	if err := w.allow(req); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(req.Context(), requestTimeout)
	defer cancel()
	defer context.AfterFunc(w.over, cancel)()
	res, err := w.base.RoundTrip(req.WithContext(ctx))
	if err != nil {
		w.failed(err)
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	_ = res.Body.Close()
	if err == nil && len(body) > maxAnswer {
		err = fmt.Errorf("the CA's answer is larger than %d bytes", maxAnswer)
	}
	if err != nil {
		w.failed(err)
		return nil, err
	}
	w.witness(req, res, body)
	body = w.strike(res, body)
	w.hurry(res)
	res.Body = io.NopCloser(bytes.NewReader(body))
	res.ContentLength = int64(len(body))
	return res, nil
}

// allow lets one order pass.
func (w *wire) allow(req *http.Request) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if req.Method != http.MethodPost || w.newOrder == "" || req.URL.String() != w.newOrder {
		return nil
	}
	if w.ordered {
		return errOneOrder
	}
	w.ordered = true
	return nil
}

// failed notes that there was no answer.
func (w *wire) failed(err error) {
	if w.over.Err() != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.problem = &OrderError{Type: ProblemNetwork, Detail: err.Error(), Err: err}
}

// answerJSON is what may be of interest in a CA's answers: a directory's, a
// problem's (RFC 7807), an order's and an authorization's fields.
type answerJSON struct {
	NewOrder   string          `json:"newOrder"`
	Type       string          `json:"type"`
	Detail     string          `json:"detail"`
	Error      *problemJSON    `json:"error"`
	Challenges []challengeJSON `json:"challenges"`
}

type problemJSON struct {
	Type        string        `json:"type"`
	Detail      string        `json:"detail"`
	Subproblems []problemJSON `json:"subproblems"`
}

type challengeJSON struct {
	Type   string       `json:"type"`
	Status string       `json:"status"`
	Error  *problemJSON `json:"error"`
}

// witness notes what an answer tells of the CA and of what went wrong.
func (w *wire) witness(req *http.Request, res *http.Response, body []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if date, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		if w.skew = w.now().Sub(date).Round(time.Minute); -shownSkew < w.skew && w.skew < shownSkew {
			w.skew = 0
		}
	}
	var a answerJSON
	_ = json.Unmarshal(body, &a) // many answers are no JSON
	if a.NewOrder != "" && req.URL.String() == w.directory {
		w.newOrder = a.NewOrder
	}
	retry := retryAfter(res.Header.Get("Retry-After"), w.now())
	switch {
	case 300 <= res.StatusCode && res.StatusCode < 400:
		w.problem = &OrderError{Type: ProblemNetwork, Detail: bounded(fmt.Sprintf("%s %s: %s to %q, which is not followed: name the directory itself",
			req.Method, req.URL.Redacted(), res.Status, res.Header.Get("Location")), maxDetail)}
	case res.StatusCode >= 400 && a.Type != "":
		w.problem = (&problemJSON{Type: a.Type, Detail: a.Detail}).orderError(retry)
	case res.StatusCode >= 400:
		w.problem = &OrderError{Type: ProblemNetwork, RetryAfter: retry,
			Detail: fmt.Sprintf("%s %s: %s", req.Method, req.URL.Redacted(), res.Status)}
	case a.Error != nil:
		// An order; one that failed at validation says so less exactly than the
		// challenge has.
		if w.problem == nil || !w.problem.Validation {
			w.problem = a.Error.orderError(0)
		}
	}
	for _, c := range a.Challenges {
		if c.Error != nil {
			w.problem = c.Error.orderError(0)
			w.problem.Validation = true
		}
	}
}

// orderError makes one error of a problem document.
func (p *problemJSON) orderError(retry time.Duration) *OrderError {
	// Type of RFC 8555 §6.7; older CAs have shorter prefixes.
	word := p.Type[strings.LastIndexByte(p.Type, ':')+1:]
	if word == "" {
		word = ProblemInternal
	}
	if strings.EqualFold(word, rateLimited) {
		word = rateLimited
	}
	detail := p.Detail
	for _, sub := range p.Subproblems {
		detail += "; " + sub.Detail
	}
	return &OrderError{Type: bounded(word, maxDetail), Detail: bounded(detail, maxDetail), RetryAfter: retry}
}

// bounded is text, cut to a number of octets.
func bounded(text string, most int) string {
	if len(text) > most {
		return text[:most] + "…"
	}
	return text
}

// strike removes the challenges that aren't the chosen one from an
// authorization. Answers are not signed, so that nothing else changes.
func (w *wire) strike(res *http.Response, body []byte) []byte {
	if res.StatusCode != http.StatusOK || !bytes.Contains(body, []byte(`"challenges"`)) {
		return body
	}
	var authorization map[string]json.RawMessage
	if json.Unmarshal(body, &authorization) != nil {
		return body
	}
	var challenges []json.RawMessage
	if json.Unmarshal(authorization["challenges"], &challenges) != nil {
		return body
	}
	challenges = slices.DeleteFunc(challenges, func(raw json.RawMessage) bool {
		var c challengeJSON
		return json.Unmarshal(raw, &c) != nil || c.Type != w.challenge
	})
	if len(challenges) == 0 {
		w.nothingLeft()
	}
	kept, err := json.Marshal(challenges)
	if err != nil {
		return body
	}
	authorization["challenges"] = kept
	struck, err := json.Marshal(authorization)
	if err != nil {
		return body
	}
	return struck
}

// nothingLeft notes that the CA offers no challenge of the chosen type, of which
// autocert says nothing that can be told from other trouble.
func (w *wire) nothingLeft() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.problem == nil {
		w.problem = &OrderError{Type: ProblemChallenge, Detail: "the CA doesn't offer " + w.challenge, Validation: true}
	}
}

// hurry shortens the waits between two looks that a CA asks for. Those of
// refusals stay, as the witness has noted them.
func (w *wire) hurry(res *http.Response) {
	if value := res.Header.Get("Retry-After"); res.StatusCode < 400 && value != "" {
		// A date that has passed, as clocks differ, would be no wait at all.
		wait := min(max(retryAfter(value, w.now()), minPoll), maxPoll)
		res.Header.Set("Retry-After", strconv.Itoa(int(wait/time.Second)))
	}
}

// backoff is acme.Client.RetryBackoff: how long until the n-th repetition of a
// request; 0 for none. Requests whose repetition could be another order, and
// those of a CA that is overloaded, are left to the worker's own back-off.
func (w *wire) backoff(n int, req *http.Request, res *http.Response) time.Duration {
	w.mu.Lock()
	order := req.URL.String() == w.newOrder
	w.mu.Unlock()
	switch {
	case w.over.Err() != nil, res.StatusCode == http.StatusTooManyRequests,
		300 <= res.StatusCode && res.StatusCode < 400:
		return 0
	case res.StatusCode >= 500:
		if order || n > 2 {
			return 0
		}
		w.again(false)
		return time.Duration(n) * time.Second
	case res.StatusCode >= 400:
		// badNonce, which is no fault of anybody's (RFC 8555 §6.5).
		if n > 10 {
			return 0
		}
		w.again(order)
		return time.Duration(n) * 50 * time.Millisecond
	case n > 60:
		return 0
	}
	return time.Second // not ready yet
}

// again forgets what went wrong with a request that is repeated. One for an
// order that the CA didn't even look at, as its nonce was bad, may pass again.
func (w *wire) again(order bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if order {
		w.ordered = false
	}
	w.problem = nil
}

// blame is the error of an order for which autocert has returned err: the CA's
// own words if it said any.
func (w *wire) blame(err error) *OrderError {
	w.mu.Lock()
	defer w.mu.Unlock()
	problem := w.problem
	if problem == nil {
		// The CA was content; so autocert was not, with the certificate.
		problem = &OrderError{Type: ProblemInternal, Detail: err.Error(), Err: err}
		var syntax *json.SyntaxError
		switch {
		case errors.As(err, &syntax):
			problem.Type, problem.Detail = ProblemNetwork, "the CA's answer is not what ACME has there: "+err.Error()
		case errors.Is(err, context.DeadlineExceeded):
			problem.Type, problem.Detail = ProblemNetwork, fmt.Sprintf("the CA has not finished the order within %v", orderLimit)
		}
		if strings.HasPrefix(err.Error(), "acme/autocert: ") || strings.HasPrefix(err.Error(), "x509: ") {
			problem.Type = ProblemCertificate
		}
	}
	if problem.Err == nil {
		problem.Err = err
	}
	problem.Skew = w.skew
	return problem
}

// retryAfter reads a Retry-After header (RFC 9110 §10.2.3), in seconds or as a
// date; 0 is none. More than maxRetryAfter is that.
func retryAfter(value string, now time.Time) time.Duration {
	if value == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(date.Sub(now), 0), maxRetryAfter)
}
