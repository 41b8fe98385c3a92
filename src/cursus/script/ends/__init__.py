"""How a script ends, is ended, or waits for ever."""
