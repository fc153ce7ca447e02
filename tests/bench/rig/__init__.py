"""What the benchmarks against the peer share: the load generator, both sides' servers, tables."""
