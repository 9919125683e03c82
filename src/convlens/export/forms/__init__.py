"""A detector in other forms: for runtimes, machines and inputs that its own file does not suit."""
