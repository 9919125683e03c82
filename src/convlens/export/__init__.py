"""From a trained module to the detector file, and the proof that both answer alike."""
