"""Rules of the area *monitoring*, and what reads metric expressions for them."""
