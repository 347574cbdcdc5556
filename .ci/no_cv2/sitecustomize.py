"""Make `import cv2` fail, as on a server without libGL; on PYTHONPATH, so in worker processes too."""

import sys


class _NoCv2:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "cv2":
            raise ImportError("libGL.so.1: cannot open shared object file (cv2 is blocked for this run)", name="cv2")


sys.meta_path.insert(0, _NoCv2())
