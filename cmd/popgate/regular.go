package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
)

// readRegular reads a file of at most so many octets. What it is is asked before it
// is opened: a FIFO would let nobody reload, or stop, any more.
func readRegular(path string, most int64) ([]byte, fs.FileMode, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, 0, err
	case !info.Mode().IsRegular():
		return nil, 0, fmt.Errorf("%s is no regular file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("%s is longer than %d octets", path, most)
	}
	return text, info.Mode(), err
}
