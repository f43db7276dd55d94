// Package logs stands between the program's logger and where its log goes, so
// that neither a blocked or full target nor a flood of equal warnings gets in
// mail's way.
//
// It knows io.Writer and hclog. It must not know what popgate logs, but for
// the keys that tell one warning from another (see sampledKeys), nor what the
// configuration's words are. Start with Writer, then Sampler.
package logs
