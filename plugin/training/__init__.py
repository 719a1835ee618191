"""From gold documents to better weights: settings, training set, loss, and the loop around the Trainer."""
