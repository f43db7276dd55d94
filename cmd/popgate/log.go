package main

import (
	"context"
	"errors"
	"io"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"

	"popgate/internal/config"
	"popgate/internal/logs"
)

// records are warnings that tell who did what, so that each of them counts.
var records = []string{"trace begins", "trace ends"}

// logName is the name of the program's logger.
const logName = "popgate"

// closeLimit is how long the last lines may take on the way out.
const closeLimit = time.Second

// errUnread is joined to an error whose text would have to wait for whoever
// doesn't read the log.
var errUnread = errors.New("standard error isn't read")

// logOptions say where a log goes.
type logOptions struct {
	config.Log
	Target io.Writer
	OnDrop func(lines int) // counts lines that were lost; nil: nobody does
}

// withLog runs something with a log that never lets anybody wait. On the way out
// the last lines are written, so that what is printed then comes behind them.
func withLog(opts logOptions, run func(hclog.Logger) error) error {
	// A reader of the log that has gone away mustn't end the program. Deliberate:
	// for good, as an error may be printed after the log is closed.
	signal.Ignore(syscall.SIGPIPE)
	json := opts.Format == "json"
	writer := logs.NewWriter(opts.Target, logs.WriterOptions{Notice: logs.Notice(logName, json), OnDrop: opts.OnDrop})
	sampler := logs.NewSampler(logs.SamplerOptions{Whole: records})
	log := hclog.New(&hclog.LoggerOptions{
		Name:       logName,
		Level:      hclog.LevelFromString(opts.Level),
		Output:     writer,
		JSONFormat: json,
		Exclude:    sampler.Exclude,
	})
	sampled, stop := context.WithCancel(context.Background())
	var sampling sync.WaitGroup
	sampling.Go(func() { sampler.Run(sampled, log) })

	err := run(log)
	stop()
	sampling.Wait()
	closing, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	if writer.Close(closing) != nil && err != nil {
		return errors.Join(err, errUnread)
	}
	return err
}
