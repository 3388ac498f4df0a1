"""What is known of the first step in which a core and the twin differ: rule, inputs, shortest."""
