package poptest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// events are the words of each side, with the arguments that they take.
var events = map[side]map[string]func(s *step) error{
	client: {
		"connect": noArgs, "tls": tlsArgs, "close_notify": noArgs,
		"fin": noArgs, "rst": noArgs, "close": noArgs,
	},
	server: {
		"eof": noArgs, "close_notify": noArgs, "fin": noArgs, "rst": noArgs, "closed": noArgs,
		"alert": alertArgs, "nothing": spanArgs, "rest": noArgs, "pause": noArgs, "resume": noArgs,
	},
	proxy: {
		"connect": nameArgs, "eof": noArgs, "rst": noArgs, "closed": noArgs, "none": noArgs,
		"no bytes": noArgs, "nothing": spanArgs, "rest": noArgs, "pause": noArgs, "resume": noArgs,
	},
	backend: {"fin": noArgs, "rst": noArgs, "close": noArgs},
}

// ends are the events that are about the end of what the client receives.
var ends = []string{"eof", "close_notify", "fin", "rst", "closed", "alert"}

// parseEvent fills in <word arguments>.
func (s *step) parseEvent(text string) error {
	inside, ok := strings.CutSuffix(text[1:], ">")
	if !ok {
		return errors.New("an event reads <word>; a line that starts with < is written \\x3c")
	}
	if s.times > 1 {
		return errors.New("an event happens once")
	}
	if inside == "no bytes" {
		s.event = inside
	} else if words := strings.Fields(inside); len(words) > 0 {
		s.event, s.args = words[0], words[1:]
	}
	check, ok := events[s.side][s.event]
	if !ok {
		return fmt.Errorf("%c knows no event %s", s.side, text)
	}
	if err := check(s); err != nil {
		return fmt.Errorf("event %s: %w", text, err)
	}
	return nil
}

func noArgs(s *step) error {
	if len(s.args) > 0 {
		return errors.New("takes no argument")
	}
	return nil
}

func nameArgs(s *step) error {
	if len(s.args) > 1 {
		return errors.New("takes one backend at most")
	}
	return nil
}

func alertArgs(s *step) error {
	if len(s.args) != 1 {
		return errors.New("takes the alert's number")
	}
	_, err := strconv.ParseUint(s.args[0], 10, 8)
	return err
}

func spanArgs(s *step) (err error) {
	if len(s.args) != 1 {
		return errors.New("takes a time")
	}
	s.span, err = time.ParseDuration(s.args[0])
	return err
}

func tlsArgs(s *step) error {
	for _, arg := range s.args {
		key, value, ok := strings.Cut(arg, "=")
		if !ok || value == "" || !slices.Contains([]string{"name", "alpn", "min", "max"}, key) {
			return fmt.Errorf("knows name=, alpn=, min= and max=, not %s", arg)
		}
		if _, known := tlsVersions[value]; (key == "min" || key == "max") && !known {
			return fmt.Errorf("knows versions 1.0 to 1.3, not %s", value)
		}
	}
	return nil
}
