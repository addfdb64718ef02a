"""A Hydra sweeper for studies: arms tuned alike, then compared over seeds and origins."""
