"""Rules of the area *framework*: images, and whether script, instance and image fit together."""
