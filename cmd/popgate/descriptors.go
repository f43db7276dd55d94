package main

// spareDescriptors are for everything that is no session: listeners, files,
// name look-ups, operators, and the connections that are told of no room. Where
// there are few descriptors, it is half of them: some fifteen are always in use.
const spareDescriptors = 128

// sessionsFor is how many sessions of two descriptors fit.
func sessionsFor(descriptors uint64) int {
	const enough = 1 << 30
	if descriptors > 2*enough+spareDescriptors {
		return enough
	}
	spare := min(spareDescriptors, descriptors/2)
	return max(1, int(descriptors-spare)/2)
}

// mostPolite is how many connections at a time are told that there is no room.
const mostPolite = 64

// politeFor is how many that are where there are few descriptors: an eighth of
// them, so that of the spare ones enough are left for operators and for logging
// in to backends.
func politeFor(descriptors uint64) int {
	return int(max(1, min(mostPolite, descriptors/8)))
}
