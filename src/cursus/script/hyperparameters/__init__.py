"""How a script takes its hyperparameters: from command lines, variables and settings, and what it makes of them."""
