package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"
)

// ErrNotRunning is a socket on which no popgate answers.
var ErrNotRunning = errors.New("popgate is not running")

// errAnswer is another program behind the socket, or one that broke off.
var errAnswer = errors.New("that is no answer of popgate")

// maxAnswer bounds an answer, in octets: 10,000 certificates with long errors
// take a third of it.
const maxAnswer = 64 << 20

// quickLimit is how long a client waits for an answer that takes no order,
// renewLimit for one that does, and upgradeLimit for another process; the server
// has limits of its own, which are shorter, so that its reason is seen.
const (
	quickLimit   = quickTime + 10*time.Second
	renewLimit   = renewTime + time.Minute
	upgradeLimit = upgradeTime + 10*time.Second
)

// Client asks a running popgate. Its methods return [ErrNotRunning] if there is
// none, fs.ErrPermission if the socket is not for this user, and an [*Error] if
// popgate refuses.
type Client struct {
	socket string
	http   http.Client
}

// NewClient returns a Client for a socket, which need not be there yet.
func NewClient(socket string) *Client {
	c := &Client{socket: socket}
	c.http.Transport = &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return c.dial(ctx) },
		// A command asks once.
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
	}
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}

// Certificates lists every certificate that is served or should be.
func (c *Client) Certificates(ctx context.Context) ([]Certificate, error) {
	var list certificateList
	err := c.ask(ctx, quickLimit, http.MethodGet, "/v1/certificates", &list)
	return list.Certificates, err
}

// Renew orders a new certificate for host, and waits until the order has ended,
// which may take minutes.
func (c *Client) Renew(ctx context.Context, host string) (Certificate, error) {
	var renewed Certificate
	err := c.ask(ctx, renewLimit, http.MethodPost, hostPath(host, "renew"), &renewed)
	return renewed, err
}

// Probe makes popgate answer for host on its challenge listeners for a minute.
func (c *Client) Probe(ctx context.Context, host string) (Probe, error) {
	var probe Probe
	err := c.ask(ctx, quickLimit, http.MethodPost, hostPath(host, "probe"), &probe)
	return probe, err
}

func hostPath(host, verb string) string {
	return "/v1/certificates/" + url.PathEscape(host) + "/" + verb
}

// ask makes one call.
func (c *Client) ask(ctx context.Context, limit time.Duration, method, path string, into any) error {
	return c.askWith(ctx, limit, method, path, nil, into)
}

// askJSON makes one call whose body is v.
func (c *Client) askJSON(ctx context.Context, limit time.Duration, method, path string, v, into any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("ask popgate: %w", err)
	}
	return c.askWith(ctx, limit, method, path, bytes.NewReader(body), into)
}

// askWith makes one call with a body; nil: none.
func (c *Client) askWith(ctx context.Context, limit time.Duration, method, path string, body io.Reader, into any) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	answer, err := c.send(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if err := decode(answer.StatusCode, answer.Body, into); err != nil {
		return c.failed(err)
	}
	return nil
}

// send sends a request, and returns the answer once its header is there.
func (c *Client) send(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	// The host is there because HTTP wants one.
	r, err := http.NewRequestWithContext(ctx, method, "http://popgate"+path, body)
	if err != nil {
		return nil, fmt.Errorf("ask popgate: %w", err)
	}
	answer, err := c.http.Do(r)
	if err == nil {
		return answer, nil
	}
	// The rest of a *url.Error is the URL that was made up above.
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return nil, c.failed(err)
}

// stream makes one call that is answered with one JSON value after the other.
func (c *Client) stream(ctx context.Context, path string, v any, read func(*json.Decoder) error) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("ask popgate: %w", err)
	}
	answer, err := c.send(ctx, http.MethodPost, path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return c.failed(decode(answer.StatusCode, answer.Body, nil))
	}
	return read(json.NewDecoder(answer.Body))
}

// failed says what was asked, unless popgate itself has said what is wrong.
func (c *Client) failed(err error) error {
	var refused *Error
	if errors.As(err, &refused) {
		return refused
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("%w: the connection was closed (%w)", errAnswer, err)
	}
	return fmt.Errorf("ask popgate at %s: %w", c.socket, err)
}

// dial connects to the socket.
func (c *Client) dial(ctx context.Context) (net.Conn, error) {
	path, err := socketPath(c.socket)
	if err != nil {
		return nil, err
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", path)
	var reason syscall.Errno
	switch {
	case err == nil:
		return conn, nil
	case !errors.As(err, &reason):
		return nil, err
	case errors.Is(reason, fs.ErrNotExist), reason == syscall.ECONNREFUSED, reason == syscall.ENOTDIR:
		return nil, fmt.Errorf("%w (%w)", ErrNotRunning, reason)
	case errors.Is(reason, fs.ErrPermission):
		return nil, fmt.Errorf("%w: only root and the user that popgate runs as can ask it", reason)
	}
	return nil, reason
}

// decode reads an answer.
func decode(status int, body io.Reader, into any) error {
	data, err := io.ReadAll(io.LimitReader(body, maxAnswer+1))
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if len(data) > maxAnswer {
		return fmt.Errorf("%w: it has more than %d octets", errAnswer, maxAnswer)
	}
	if status == http.StatusOK {
		if err := json.Unmarshal(data, into); err != nil {
			return fmt.Errorf("%w: %w", errAnswer, err)
		}
		clean(into)
		return nil
	}
	var failed errorAnswer
	if json.Unmarshal(data, &failed) != nil || failed.Error == nil || failed.Error.Code == "" {
		return fmt.Errorf("%w: status %d", errAnswer, status)
	}
	return failed.Error.printable()
}
