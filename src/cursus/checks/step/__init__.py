"""Rules of the area *step*: the request as a whole, who the job is and where, and texts that are almost right."""
