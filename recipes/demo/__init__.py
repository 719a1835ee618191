"""The demo: three rounds on the corpus that ships with spanloop."""
