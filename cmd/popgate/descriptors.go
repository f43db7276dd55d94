package main

// spareDescriptors are for everything that is no session: listeners, files,
// name look-ups, and the connections that are told of no room.
const spareDescriptors = 128

// sessionsFor is how many sessions of two descriptors fit.
func sessionsFor(descriptors uint64) int {
	const enough = 1 << 30
	if descriptors > 2*enough+spareDescriptors {
		return enough
	}
	return max(1, (int(descriptors)-spareDescriptors)/2)
}
