collect_ignore_glob = ["*.ipynb"]  # broken on purpose; the runner's tests run them
