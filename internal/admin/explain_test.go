package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// explained is an explanation with a value in each field.
func explained() Explanation {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return Explanation{
		Question: Question{
			User: "bob", Address: netip.MustParseAddr("192.0.2.7"), Port: 4000, ServerName: "pop.example.com", Listener: "pop3s",
			Mechanism: "PLAIN", TLS: "1.2", Cipher: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", Time: &at,
		},
		Networks: []string{"office"},
		Name:     Name{Canonical: "bob@example.com", Tenant: "acme", Refused: "no"},
		Limits:   []Limit{{Check: "blocked_ip", Stage: StageLogin, Verdict: "denies", Detail: "until later", Decides: true}},
		Policies: []Policy{{Policy: "office", Verdict: ConditionFails, Action: "a", Error: "e", Denies: true, LogOnly: true, Decides: true}},
		Route: &Route{Rule: "only backend", Backend: "east", Addresses: []string{"192.0.2.20:110"}, Connections: 5, Login: "bob",
			Auth: "plain", Failed: "f"},
		Outcome: Outcome{Result: ResultRefused, Reason: "blocked_ip", Policy: "p", Detail: "d", Delay: "10s"},
	}
}

// askExplain posts a question as it stands.
func (r *rig) askExplain(t testing.TB, body string) (*http.Response, []byte) {
	t.Helper()
	return r.ask(t, fmt.Sprintf("POST /v1/explain HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
}

// TestExplainWire: the words of the API, which programs rely on.
func TestExplainWire(t *testing.T) {
	asked := make(chan Question, 1)
	r := serve(t, stock{explain: func(q Question) (Explanation, error) {
		asked <- q
		return explained(), nil
	}})
	answer, body := r.askExplain(t, `{"user":"bob","address":"::ffff:192.0.2.7","port":4000,"server_name":"pop.example.com","listener":"pop3s",`+
		`"mechanism":"plain","tls":"1.2","cipher":"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256","time":"2026-03-01T12:00:00Z"}`)
	const want = `{"question":{"user":"bob","address":"192.0.2.7","port":4000,"server_name":"pop.example.com","listener":"pop3s",` +
		`"mechanism":"PLAIN","tls":"1.2","cipher":"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256","time":"2026-03-01T12:00:00Z"},` +
		`"networks":["office"],"name":{"canonical":"bob@example.com","tenant":"acme","refused":"no"},` +
		`"limits":[{"check":"blocked_ip","stage":"login","verdict":"denies","detail":"until later","decides":true}],` +
		`"policies":[{"policy":"office","verdict":"fails","action":"a","error":"e","denies":true,"log_only":true,"decides":true}],` +
		`"route":{"rule":"only backend","backend":"east","addresses":["192.0.2.20:110"],"connections":5,"login":"bob","auth":"plain","failed":"f"},` +
		`"outcome":{"result":"refused","reason":"blocked_ip","policy":"p","detail":"d","delay":"10s"}}`
	if answer.StatusCode != http.StatusOK || string(body) != want+"\n" {
		t.Errorf("%s\n got %s\nwant %s", answer.Status, body, want)
	}
	wantHeader(t, answer)
	if q := <-asked; !reflect.DeepEqual(q, explained().Question) {
		t.Errorf("asked %+v", q)
	}

	// With all that can be left out, and lists that are there in any case.
	r = serve(t, stock{})
	_, body = r.askExplain(t, `{"user":"bob","address":"192.0.2.7"}`)
	const least = `{"question":{"user":"bob","address":"192.0.2.7","mechanism":"USER","tls":"1.3","cipher":"TLS_AES_128_GCM_SHA256"},` +
		`"networks":[],"name":{},"limits":[],"policies":[],"outcome":{"result":""}}`
	if string(body) != least+"\n" {
		t.Errorf(" got %s\nwant %s", body, least)
	}
	r.log.want(t, 0, "admin call") // it changes nothing
}

// TestExplainClient: what the client asks is what the program hears, and back.
func TestExplainClient(t *testing.T) {
	asked := make(chan Question, 1)
	r := serve(t, stock{explain: func(q Question) (Explanation, error) {
		asked <- q
		return explained(), nil
	}})
	for _, name := range []string{"bob", "", "a b", "\"\\\x00<>&", "bücher@example.com", "\u202e", strings.Repeat("é", maxUser/2)} {
		q := Question{User: name, Address: netip.MustParseAddr("fe80::1%eth0")}
		x, err := r.client().Explain(t.Context(), q)
		must(t, err)
		if !reflect.DeepEqual(x, explained()) {
			t.Errorf("explained %+v", x)
		}
		if got := <-asked; got.User != name || got.Address != netip.MustParseAddr("fe80::1") {
			t.Errorf("%q became %+v", name, got)
		}
	}
}

// TestExplainRefused: questions that can't be, each with a reason that is fit to
// be shown.
func TestExplainRefused(t *testing.T) {
	r := serve(t, stock{explain: func(q Question) (Explanation, error) {
		if q.Listener == "none" {
			return Explanation{}, fmt.Errorf("explain: %w", ErrUnknownListener)
		}
		t.Errorf("%+v was asked", q)
		return Explanation{}, nil
	}})
	const login = `"user":"bob","address":"192.0.2.7"`
	for name, test := range map[string]struct {
		body   string
		status int
		code   string
		says   string
	}{
		"nothing":          {"", 400, CodeBadRequest, "no JSON object"},
		"no JSON":          {"bob", 400, CodeBadRequest, "no JSON object"},
		"a list":           {"[]", 400, CodeBadRequest, "no JSON object"},
		"half":             {"{" + login, 400, CodeBadRequest, "no JSON object"},
		"two":              {"{" + login + "}{}", 400, CodeBadRequest, "behind the object"},
		"rubbish behind":   {"{" + login + "} x", 400, CodeBadRequest, "behind the object"},
		"unknown word":     {"{" + login + `,"from\u001b[2J":1}`, 400, CodeBadRequest, "unknown field"},
		"empty object":     {"{}", 400, CodeBadRequest, "address is missing"},
		"null":             {"null", 400, CodeBadRequest, "address is missing"},
		"no address":       {`{"user":"bob"}`, 400, CodeBadRequest, "address is missing"},
		"a bad address":    {`{"user":"bob","address":"192.0.2"}`, 400, CodeBadRequest, "address: ParseAddr"},
		"a name":           {`{"user":"bob","address":"localhost"}`, 400, CodeBadRequest, "localhost"},
		"a bad port":       {"{" + login + `,"port":65536}`, 400, CodeBadRequest, "port"},
		"a bad mechanism":  {"{" + login + `,"mechanism":"CRAM-MD5"}`, 400, CodeBadRequest, `"CRAM-MD5" is none of USER`},
		"TLS 1.1":          {"{" + login + `,"tls":"1.1"}`, 400, CodeBadRequest, `tls "1.1" is neither`},
		"a word of a time": {"{" + login + `,"time":"tomorrow"}`, 400, CodeBadRequest, "time: "},
		"the year 0":       {"{" + login + `,"time":"0000-01-01T00:00:00Z"}`, 400, CodeBadRequest, "years"},
		"the year 9999":    {"{" + login + `,"time":"9999-12-31T23:59:59Z"}`, 400, CodeBadRequest, "years"},
		"a long host":      {"{" + login + `,"server_name":"` + strings.Repeat("x", 256) + `"}`, 400, CodeBadRequest, "server_name is"},
		"a long name":      {`{"address":"192.0.2.7","user":"` + strings.Repeat("x", maxUser+1) + `"}`, 400, CodeBadRequest, "user is"},
		"not UTF-8":        {"{\"address\":\"192.0.2.7\",\"user\":\"b\xffb\"}", 400, CodeBadRequest, "not UTF-8"},
		"deep":             {strings.Repeat("[", 60_000), 400, CodeBadRequest, "no JSON object"},
		"no such listener": {"{" + login + `,"listener":"none"}`, 404, CodeUnknownListener, "no such listener"},
	} {
		answer, body := r.askExplain(t, test.body)
		failed := refusal(t, body)
		if answer.StatusCode != test.status || failed.Code != test.code || !strings.Contains(failed.Message, test.says) || !fit(failed.Message) {
			t.Errorf("%s: %s %+v, want %d %s %q", name, answer.Status, failed, test.status, test.code, test.says)
		}
	}
	_, err := r.client().Explain(t.Context(), Question{Address: netip.MustParseAddr("::1"), Listener: "none"})
	wantError(t, err, ErrUnknownListener)
}

// TestExplainFails: trouble of popgate's own is told to nobody but the log.
func TestExplainFails(t *testing.T) {
	r := serve(t, stock{explain: func(Question) (Explanation, error) { return Explanation{}, errors.New("a secret") }})
	_, err := r.client().Explain(t.Context(), Question{Address: netip.MustParseAddr("::1")})
	var failed *Error
	if !errors.As(err, &failed) || failed.Code != CodeInternal || strings.Contains(failed.Message, "secret") {
		t.Errorf("%v", err)
	}
	r.log.want(t, 1, "[ERROR] admin call failed", "call=explain", "a secret")
}

// TestExplainPrintable: no text of an explanation can do anything to a terminal,
// and the program's own is not changed.
func TestExplainPrintable(t *testing.T) {
	const nasty = "a\x1b[2J\nb"
	spoilt := spoil(t, nasty)
	r := serve(t, stock{explain: func(Question) (Explanation, error) { return spoilt, nil }})
	_, body := r.askExplain(t, `{"user":"bob","address":"192.0.2.7"}`)
	if strings.Contains(string(body), `\u001b`) || strings.Contains(string(body), `\n`) || strings.Count(string(body), "a\ufffd[2J b") != 19 {
		t.Errorf("it sends %s", body)
	}
	if !reflect.DeepEqual(spoilt, spoil(t, nasty)) {
		t.Error("the program's own explanation was changed")
	}
}

// spoil is an explanation in which each text that may be foreign is nasty.
// Constant words of popgate are left.
func spoil(t *testing.T, nasty string) Explanation {
	t.Helper()
	constant := map[string]bool{"Mechanism": true, "TLS": true, "Stage": true, "Check": true, "Verdict": true, "Result": true,
		"Reason": true, "Auth": true, "Delay": true, "State": true}
	var walk func(v reflect.Value, name string)
	walk = func(v reflect.Value, name string) {
		switch v.Kind() {
		case reflect.Pointer:
			walk(v.Elem(), name)
		case reflect.Struct:
			for i := range v.NumField() {
				if v.Type().Field(i).IsExported() {
					walk(v.Field(i), v.Type().Field(i).Name)
				}
			}
		case reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i), name)
			}
		case reflect.String:
			if !constant[name] {
				v.SetString(nasty)
			}
		}
	}
	x := explained()
	walk(reflect.ValueOf(&x), "")
	return x
}

// FuzzQuestion: whatever is sent, it is a complete question that means the same
// when it is sent again, or an error that is fit to be shown.
func FuzzQuestion(f *testing.F) {
	f.Add([]byte(`{"user":"bob","address":"192.0.2.7"}`))
	f.Add([]byte(`{"user":"bob@example.com","address":"::ffff:1.2.3.4%x","port":1,"mechanism":"login","tls":"1.2","time":"2026-03-01T12:00:00+14:00"}`))
	f.Add([]byte(`{"user":"\ud800","address":"fe80::1%eth0","server_name":"x"}`))
	f.Add([]byte(`{"USER":"b\u0000","Address":"::1","cipher":"` + "\u202e" + `"} `))
	f.Add([]byte(`{"user":"bob","address":"192.0.2.7","mechanism":"` + strings.Repeat(`\u0001`, maxText+1) + `"}`))
	f.Add([]byte(`{"` + strings.Repeat(`\u0001`, maxText+1) + `":0}`))
	f.Add([]byte("null"))
	f.Fuzz(func(t *testing.T, body []byte) {
		q, err := decodeQuestion(body)
		if err != nil {
			if failed := badRequest("%v", err); !fit(failed.Message) {
				t.Errorf("%q", failed.Message)
			}
			return
		}
		if !q.Address.IsValid() || q.Address.Is4In6() || q.Address.Zone() != "" || !utf8.ValidString(q.User) || len(q.User) > maxUser ||
			q.Mechanism == "" || q.TLS == "" || q.Cipher == "" {
			t.Errorf("%q became %+v", body, q)
		}
		again, err := json.Marshal(q)
		if err != nil {
			t.Fatalf("%+v: %v", q, err)
		}
		same, err := decodeQuestion(again)
		if err != nil || !equalQuestions(q, same) {
			t.Errorf("%+v became %+v, %v", q, same, err)
		}
	})
}

func equalQuestions(a, b Question) bool {
	if (a.Time == nil) != (b.Time == nil) || a.Time != nil && !a.Time.Equal(*b.Time) {
		return false
	}
	a.Time, b.Time = nil, nil
	return a == b
}
