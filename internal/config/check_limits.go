package config

// blocking checks that blocks can grow.
func (k *checker) blocking() {
	for _, s := range k.top.all(blockingBlock) {
		first, longest := s.get("first"), s.get("longest")
		if s.wrong("first") || s.wrong("longest") || first.period <= longest.period {
			continue
		}
		at := longest.at
		if s.values["longest"] == nil {
			at = first.at
		}
		k.fail(at, "First exceeds longest", "The first block lasts %q and the longest %q, but each is longer than the one before: write a longest of at least %q, or a shorter first.", short(first.period), short(longest.period), short(first.period))
	}
}
