package admin

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// Block is a block in force.
type Block struct {
	Address string    `json:"address"`        // or a network, such as 2001:db8::/64
	User    string    `json:"user,omitempty"` // as whom; "": as anybody, or who asks has neither the socket nor the token
	Check   string    `json:"check"`          // the name of the check that refuses
	Until   time.Time `json:"until"`
	Level   int       `json:"level"` // how many blocks in a row it is
}

// Printable returns b with its name made fit for a terminal. A [Server] does
// that to whatever it lists.
func (b Block) Printable() Block {
	b.User = printable(b.User)
	return b
}

// Blocked says which blocks are meant.
type Blocked struct {
	// Network: those of which it has an address; the zero value: all.
	Network netip.Prefix
	// User: only the blocks as that user, canonical or with ASCII letters in
	// another case. "": those as anybody as well.
	User string
}

// BlockList is the answer to "list blocks".
type BlockList struct {
	Blocks []Block `json:"blocks"`
	More   int     `json:"more,omitempty"` // how many were left out
}

// maxBlocks is how many blocks are listed. A name has 255 octets, which JSON may
// need 1530 for: an answer stays below maxAnswer.
const maxBlocks = 30_000

// clearedBlocks is the answer to "clear blocks".
type clearedBlocks struct {
	Cleared int `json:"cleared"`
}

// allAddresses stands for an address where any is meant.
const allAddresses = "all"

func (s *Server) listBlocks(r *http.Request) (any, error) {
	all := s.logins.Blocks(r.Context())
	list := BlockList{Blocks: []Block{}, More: max(0, len(all)-maxBlocks)}
	for _, b := range all[:len(all)-list.More] {
		if !trusted(r.Context()) {
			b.User = ""
		}
		list.Blocks = append(list.Blocks, b.Printable())
	}
	return list, nil
}

func (s *Server) clearBlocks(r *http.Request) (any, error) {
	which, err := readBlocked(r.PathValue("address"), r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	return clearedBlocks{s.logins.Unblock(r.Context(), which)}, nil
}

// readBlocked reads which blocks a request means. What isn't understood is
// refused: more might be lifted than was meant.
func readBlocked(key, query string) (Blocked, error) {
	which, err := ParseBlocked(key)
	if err != nil {
		return which, badRequest("%v", err)
	}
	values, err := url.ParseQuery(query)
	switch users := values["user"]; {
	case err != nil:
		return which, badRequest("the query can't be read")
	case len(users) == 0 && len(values) == 0:
		return which, nil
	case len(users) != 1 || len(values) != 1:
		return which, badRequest("this call takes one parameter only: user")
	case users[0] == "":
		return which, badRequest("the user is empty")
	default:
		which.User = users[0]
	}
	return which, nil
}

// ParseBlocked reads which addresses are meant: one, a network, or "all".
func ParseBlocked(key string) (Blocked, error) {
	if key == allAddresses {
		return Blocked{}, nil
	}
	if addr, err := netip.ParseAddr(key); err == nil {
		addr = addr.Unmap().WithZone("")
		return Blocked{Network: netip.PrefixFrom(addr, addr.BitLen())}, nil
	}
	network, err := netip.ParsePrefix(key)
	if err != nil || network.Addr().Is4In6() {
		return Blocked{}, badRequest("%q is neither an address, nor a network, nor %q", brief(key), allAddresses)
	}
	return Blocked{Network: network.Masked()}, nil
}

// Blocks lists the blocks in force.
func (c *Client) Blocks(ctx context.Context) (BlockList, error) {
	var list BlockList
	err := c.ask(ctx, quickLimit, http.MethodGet, "/v1/blocks", &list)
	return list, err
}

// Unblock lifts blocks, and returns how many.
func (c *Client) Unblock(ctx context.Context, which Blocked) (int, error) {
	key, query := allAddresses, ""
	if which.Network.IsValid() {
		key = which.Network.String()
	}
	if which.User != "" {
		query = "?" + url.Values{"user": {which.User}}.Encode()
	}
	var done clearedBlocks
	err := c.ask(ctx, quickLimit, http.MethodDelete, "/v1/blocks/"+url.PathEscape(key)+query, &done)
	return done.Cleared, err
}
