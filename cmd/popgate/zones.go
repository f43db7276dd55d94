package main

// The time zones, for machines that have none, as containers: without them TZ
// would be UTC, whatever it says. The system's own count first.
import _ "time/tzdata"
