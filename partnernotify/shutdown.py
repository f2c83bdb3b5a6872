"""Whether this process has been asked to stop: begin nothing new, finish what runs."""

import threading

stopping = threading.Event()
