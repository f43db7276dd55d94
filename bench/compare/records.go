package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"popgate/bench/internal/load"
)

// machine is the first line of the raw figures: where and how they were made.
type machine struct {
	Kind       string                    `json:"kind"` // "machine"
	Date       time.Time                 `json:"date"`
	CPU        string                    `json:"cpu"`
	Cores      int                       `json:"cores"`
	System     string                    `json:"system"` // the distribution's name
	Kernel     string                    `json:"kernel"`
	Go         string                    `json:"go"`
	Peers      map[string]string         `json:"peers"` // versions
	Rounds     int                       `json:"rounds"`
	Scale      float64                   `json:"scale"`
	Handshakes map[string]load.Handshake `json:"handshakes"` // by row
}

// Kinds of samples.
const (
	kindRound = "round"
	kindIdle  = "idle"
)

// sample is one further line: one round of one work with one row of its table.
type sample struct {
	Kind  string    `json:"kind"`
	Time  time.Time `json:"time"`
	Round int       `json:"round"` // from 1
	Work  string    `json:"work"`
	Row   string    `json:"row"` // the peer, and for the hybrid a word more
	Peer  string    `json:"peer"`

	// Of the proxy's whole process tree, in a round.
	Operations int     `json:"operations,omitempty"`
	Octets     int64   `json:"octets,omitempty"`
	Wall       float64 `json:"wall_s,omitempty"`
	User       float64 `json:"user_s,omitempty"`
	System     float64 `json:"system_s,omitempty"`
	CPU        float64 `json:"cpu_per_unit,omitempty"`
	Unit       string  `json:"unit,omitempty"` // of CPU
	Rate       float64 `json:"rate,omitempty"` // sessions/s or MB/s
	P50        float64 `json:"p50_ms,omitempty"`
	P99        float64 `json:"p99_ms,omitempty"`
	Foreign    float64 `json:"foreign_cpu"` // share of the machine that other programs took meanwhile

	// Of the work "idle".
	Sessions int     `json:"sessions,omitempty"`
	Empty    float64 `json:"empty_kib,omitempty"` // process memory without a session
	Held     float64 `json:"held_kib,omitempty"`  // and with all of them
	Each     float64 `json:"kib_per_session,omitempty"`
}

// records keeps the raw figures and writes each to the file as it comes, so
// that an interrupted run leaves what it had.
type records struct {
	file    *os.File
	machine machine
	samples []sample
}

func createRecords(path string) (*records, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o644)
	if err != nil {
		return nil, fmt.Errorf("raw figures: %w", err)
	}
	return &records{file: f}, nil
}

func (r *records) close() error { return r.file.Close() }

// begin writes the machine's line. It comes first, and once.
func (r *records) begin(m machine) error {
	m.Kind = "machine"
	r.machine = m
	return r.write(m)
}

func (r *records) add(s sample) error {
	if s.Kind == "" || s.Row == "" {
		return errors.New("a sample without a kind or a row")
	}
	r.samples = append(r.samples, s)
	return r.write(s)
}

func (r *records) write(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("raw figures: %w", err)
	}
	if _, err := r.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("raw figures: %w", err)
	}
	return nil
}
