"""Large networks of tanks beside the float model: runs that can be resumed, and their page."""
