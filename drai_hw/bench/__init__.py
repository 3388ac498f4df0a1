"""Times the models against peers and against the machine's limit, side by side in one run."""
