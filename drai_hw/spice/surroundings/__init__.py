"""What surrounds oscillators: thermal noise, a supply that moves, buffers that read them."""
