"""A builder lowered to the step that it stands for: its hooks called, its request made and filled."""
