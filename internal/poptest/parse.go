package poptest

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Parse takes a transcript file apart. The name is the file's base name, for
// messages. Errors say file and line.
func Parse(name string, text []byte) ([]*Script, error) {
	p := parser{file: name, common: Settings{}}
	for i, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		if err := p.parse(i+1, strings.TrimSuffix(line, "\r")); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, i+1, err)
		}
	}
	if len(p.scripts) == 0 {
		return nil, fmt.Errorf("%s: no session", name)
	}
	for _, s := range p.scripts {
		s.Head = strings.Join(p.head, "\n")
		if len(s.steps) == 0 {
			return nil, fmt.Errorf("%s: session %q has no steps", name, s.Name)
		}
	}
	return p.scripts, nil
}

// parser holds what was read of a file so far.
type parser struct {
	file    string
	head    []string
	begun   bool // the head is over
	single  bool // the file is one session without a name of its own
	common  Settings
	scripts []*Script
}

var section = regexp.MustCompile(`^-- (\S.*\S|\S) --$`)

func (p *parser) parse(n int, line string) error {
	if !p.begun && strings.HasPrefix(line, "#") {
		p.head = append(p.head, strings.TrimSpace(line[1:]))
		return nil
	}
	p.begun = true
	if p.head == nil {
		return errors.New("a transcript starts with a comment that names its rule")
	}
	if strings.TrimSpace(line) == "" || line[0] == '#' {
		return nil
	}
	if m := section.FindStringSubmatch(line); m != nil {
		return p.session(m[1])
	}
	if setting, ok := strings.CutPrefix(line, "set "); ok {
		return p.set(setting)
	}
	return p.step(n, line)
}

// session starts a new one.
func (p *parser) session(name string) error {
	if p.single {
		return errors.New("steps stand above the first session")
	}
	for _, s := range p.scripts {
		if s.Name == name {
			return fmt.Errorf("there is already a session %q", name)
		}
	}
	p.open(name)
	return nil
}

// open adds a session, which inherits the common settings.
func (p *parser) open(name string) {
	settings := Settings{}
	for key, values := range p.common {
		settings[key] = slices.Clone(values)
	}
	p.scripts = append(p.scripts, &Script{File: p.file, Name: name, Settings: settings})
}

// current is the session being read, nil above the first.
func (p *parser) current() *Script {
	if len(p.scripts) == 0 {
		return nil
	}
	return p.scripts[len(p.scripts)-1]
}

func (p *parser) set(setting string) error {
	key, value, ok := strings.Cut(setting, "=")
	if key = strings.TrimSpace(key); !ok || key == "" {
		return errors.New("a setting reads set key=value")
	}
	value = strings.TrimSpace(value)
	s := p.current()
	if s == nil {
		p.common[key] = append(p.common[key], value)
		return nil
	}
	if len(s.steps) > 0 {
		return errors.New("settings come before the first step")
	}
	s.Settings[key] = append(s.Settings[key], value)
	return nil
}

func (p *parser) step(n int, line string) error {
	if p.current() == nil {
		p.single = true
		p.open(strings.TrimSuffix(p.file, ".txt"))
	}
	s := p.current()
	if span, ok := strings.CutPrefix(line, "wait "); ok {
		d, err := time.ParseDuration(span)
		if err != nil {
			return err
		}
		s.steps = append(s.steps, step{line: n, text: line, side: pause, span: d})
		return nil
	}
	next, join, err := parseStep(line)
	if err != nil {
		return err
	}
	next.line, next.text = n, line
	if !join {
		s.steps = append(s.steps, next)
		return nil
	}
	return s.join(next)
}

// join adds a send to the one above.
func (s *Script) join(next step) error {
	if len(s.steps) == 0 {
		return errors.New("| has nothing above to join")
	}
	last := &s.steps[len(s.steps)-1]
	if last.side != next.side || last.num != next.num || last.event != "" || next.event != "" {
		return errors.New("| joins a line to one of the same side")
	}
	last.data = append(slices.Clone(last.data), next.data...)
	last.may = last.may || next.may
	return nil
}

// notation is everything before a step's text: side, number, modifiers,
// repetition or timing, and the colon or bar.
var notation = regexp.MustCompile(`^([CSPB])([1-9]?)([!?]*)(?:\* ?([1-9][0-9]*)|(>=|<=|=)([0-9a-z.]+))?([:|])(?: |$)(.*)$`)

// parseStep takes a step's line apart; join says that it is a | line.
func parseStep(line string) (s step, join bool, err error) {
	m := notation.FindStringSubmatch(line)
	if m == nil {
		return s, false, errors.New("neither a step (C: S: P: B:), wait, set, -- session -- nor a comment")
	}
	s = step{side: side(m[1][0]), times: 1, timing: timing{op: m[5]}}
	if m[2] != "" {
		s.num = int(m[2][0] - '0')
	}
	s.force, s.may = strings.Contains(m[3], "!"), strings.Contains(m[3], "?")
	if m[4] != "" {
		if s.times, err = strconv.Atoi(m[4]); err != nil {
			return s, false, err
		}
	}
	if m[6] != "" {
		if s.timing.d, err = time.ParseDuration(m[6]); err != nil {
			return s, false, err
		}
	}
	join = m[7] == "|"
	switch {
	case !s.side.sends() && (m[3] != "" || join):
		return s, false, errors.New("! ? and | are for C and B")
	case s.side.sends() && s.timing.op != "":
		return s, false, errors.New("a time is for S and P")
	case strings.HasPrefix(m[8], "<") && join:
		return s, false, errors.New("| joins lines, not events")
	case strings.HasPrefix(m[8], "<"):
		return s, false, s.parseEvent(m[8])
	}
	return s, join, s.parseText(m[8])
}

// parseText fills in the bytes of a line.
func (s *step) parseText(text string) error {
	if start, ok := strings.CutSuffix(text, "…"); ok && !s.side.sends() {
		s.open, text = true, start
	}
	body, bare := cutBackslash(text)
	data, err := unescape(body)
	if err != nil {
		return err
	}
	if !bare && !s.open {
		data = append(data, "\r\n"...)
	}
	if s.side.sends() && s.times > 1 {
		data = []byte(strings.Repeat(string(data), s.times))
	}
	if len(data) == 0 && !s.open {
		return errors.New("a step without a single byte")
	}
	s.data = data
	return nil
}

// cutBackslash cuts off a \ at the end that isn't itself escaped.
func cutBackslash(text string) (body string, cut bool) {
	body = strings.TrimRight(text, `\`)
	if (len(text)-len(body))%2 == 1 {
		return text[:len(text)-1], true
	}
	return text, false
}
