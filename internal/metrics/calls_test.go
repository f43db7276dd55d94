package metrics

import "time"

// moment is when the certificates of these tests expire, began when they were
// ordered.
var moment, began = time.Unix(1_900_000_000, 0), time.Unix(1_800_000_000, 0)

// call is one way to count.
type call struct {
	method string
	do     func(*Metrics)
	want   map[string]float64 // the series that it changes, and by how much
}

// calls are all of them.
var calls = []call{
	{"Tenants", func(m *Metrics) { m.Tenants([]string{"acme"}) }, nil},
	{"SessionOpened", func(m *Metrics) { m.SessionOpened("before_login", "pop3s", "") },
		map[string]float64{`popgate_sessions{listener=pop3s,state=before_login,tenant=}`: 1}},
	{"SessionLasted", func(m *Metrics) { m.SessionLasted(2 * time.Second) },
		map[string]float64{`popgate_session_duration_seconds count`: 1, `popgate_session_duration_seconds sum`: 2}},
	{"SessionEnded", func(m *Metrics) { m.SessionEnded("pop3s", "quit") },
		map[string]float64{`popgate_sessions_ended_total{end=quit,listener=pop3s}`: 1}},
	{"Handshake", func(m *Metrics) {
		m.Handshake(Handshake{Version: "TLS 1.3", Cipher: "TLS_AES_128_GCM_SHA256", Resumed: true, Result: "ok", Took: time.Second})
	},
		map[string]float64{
			`popgate_tls_handshakes_total{cipher=TLS_AES_128_GCM_SHA256,result=ok,resumed=true,version=TLS 1.3}`: 1,
			`popgate_tls_handshake_duration_seconds count`:                                                       1,
			`popgate_tls_handshake_duration_seconds sum`:                                                         1,
		}},
	{"Login", func(m *Metrics) {
		m.Login(Login{Mechanism: "USER", Result: "refused", Reason: "password_refused", Took: time.Second / 2})
	},
		map[string]float64{
			`popgate_logins_total{mechanism=USER,reason=password_refused,result=refused}`: 1,
			`popgate_login_duration_seconds{result=refused} count`:                        1,
			`popgate_login_duration_seconds{result=refused} sum`:                          0.5,
		}},
	{"Denied", func(m *Metrics) { m.Denied("connections") },
		map[string]float64{`popgate_denials_total{check=connections}`: 1}},
	{"Tried", func(m *Metrics) { m.Tried("office") }, map[string]float64{`popgate_policy_trials_total{policy=office}`: 1}},
	{"Blocked", func(m *Metrics) { m.Blocked("blocked_ip") }, map[string]float64{`popgate_blocks_total{check=blocked_ip}`: 1}},
	{"Dialed", func(m *Metrics) { m.Dialed("legacy", "backend_unreachable") },
		map[string]float64{`popgate_backend_dials_total{backend=legacy,result=backend_unreachable}`: 1}},
	{"Backends", func(m *Metrics) { m.Backends([]string{"legacy"}) }, nil},
	{"BackendTaken", func(m *Metrics) { m.BackendTaken("legacy") },
		map[string]float64{`popgate_backend_sessions{backend=legacy}`: 1}},
	{"BackendUp", func(m *Metrics) { m.BackendUp("legacy", true) }, map[string]float64{`popgate_backend_up{backend=legacy}`: 1}},
	{"BackendDraining", func(m *Metrics) { m.BackendDraining("legacy", true) }, map[string]float64{`popgate_backend_draining{backend=legacy}`: 1}},
	{"BackendAnswered", func(m *Metrics) { m.BackendAnswered("legacy", time.Second) },
		map[string]float64{
			`popgate_backend_login_duration_seconds{backend=legacy} count`: 1,
			`popgate_backend_login_duration_seconds{backend=legacy} sum`:   1,
		}},
	{"Relayed", func(m *Metrics) { m.Relayed(7, 5_000_000_000) },
		map[string]float64{
			`popgate_relayed_bytes_total{direction=from_client}`:  7,
			`popgate_relayed_bytes_total{direction=from_backend}`: 5_000_000_000,
		}},
	{"Injected", (*Metrics).Injected, map[string]float64{`popgate_stls_injections_total`: 1}},
	{"AcceptFailed", (*Metrics).AcceptFailed, map[string]float64{`popgate_accept_errors_total`: 1}},
	{"Panicked", (*Metrics).Panicked, map[string]float64{`popgate_panics_total`: 1}},
	{"LogDropped", func(m *Metrics) { m.LogDropped(3) }, map[string]float64{`popgate_log_lines_dropped_total`: 3}},
	{"AdminRefused", func(m *Metrics) { m.AdminRefused("token") },
		map[string]float64{`popgate_admin_refusals_total{reason=token}`: 1}},
	{"AutoconfigAsked", func(m *Metrics) { m.AutoconfigAsked("thunderbird", "answered") },
		map[string]float64{`popgate_autoconfig_requests_total{kind=thunderbird,result=answered}`: 1}},
	{"Build", func(m *Metrics) { m.Build("v1.0.0", "go1.26", "abc") },
		map[string]float64{`popgate_build_info{go_version=go1.26,revision=abc,version=v1.0.0}`: 1}},
	{"Ready", func(m *Metrics) { m.Ready(func() bool { return true }) }, map[string]float64{`popgate_ready`: 1}},
	{"ConfigLoaded", func(m *Metrics) { m.ConfigLoaded(began) },
		map[string]float64{`popgate_config_loaded_seconds`: 1_800_000_000, `popgate_config_last_reload_successful`: 1}},
	{"Reloaded", func(m *Metrics) { m.Reloaded("ok") },
		map[string]float64{`popgate_reloads_total{result=ok}`: 1}},
	{"ServerNameMissing", (*Metrics).ServerNameMissing, map[string]float64{`popgate_tls_no_server_name_total`: 1}},
	{"ServerNameUnknown", (*Metrics).ServerNameUnknown, map[string]float64{`popgate_tls_unknown_server_name_total`: 1}},
	{"StandInServed", (*Metrics).StandInServed, map[string]float64{`popgate_tls_stand_ins_total`: 1}},
	{"CertificateLoaded", func(m *Metrics) { m.CertificateLoaded("file", "main", moment) },
		map[string]float64{
			`popgate_certificate_loads_total{certificate=main,result=ok,source=file}`: 1,
			`popgate_certificate_not_after_seconds{certificate=main,source=file}`:     1_900_000_000,
		}},
	{"CertificateFailed", func(m *Metrics) { m.CertificateFailed("main") },
		map[string]float64{`popgate_certificate_loads_total{certificate=main,result=error,source=file}`: 1}},
	{"CertificateExpired", func(m *Metrics) { m.CertificateExpired("acme", "pop.example.com") },
		map[string]float64{`popgate_certificates_expired_total{source=acme}`: 1}},
	{"CertificateDropped", func(m *Metrics) { m.CertificateDropped("acme", "gone.example.com") }, nil},
	{"CertificateOrdered", (*Metrics).CertificateOrdered, map[string]float64{`popgate_acme_orders_total`: 1}},
	{"CertificateIssued", func(m *Metrics) { m.CertificateIssued("pop.example.com", began, moment, true) },
		map[string]float64{
			`popgate_acme_certificates_issued_total{kind=renewal}`:                           1,
			`popgate_acme_last_issue_seconds`:                                                1_800_000_000,
			`popgate_certificate_not_after_seconds{certificate=pop.example.com,source=acme}`: 1_900_000_000,
		}},
	{"CertificateOrderFailed", func(m *Metrics) { m.CertificateOrderFailed("rateLimited", began) },
		map[string]float64{
			`popgate_acme_order_failures_total{problem=rateLimited}`: 1,
			`popgate_acme_last_failure_seconds`:                      1_800_000_000,
		}},
	{"ChallengeAnswered", func(m *Metrics) { m.ChallengeAnswered("http-01", false) },
		map[string]float64{`popgate_acme_challenges_total{result=unknown,type=http-01}`: 1}},
	{"CacheFailed", func(m *Metrics) { m.CacheFailed("write_account") },
		map[string]float64{`popgate_certificate_cache_errors_total{operation=write_account}`: 1}},
}
