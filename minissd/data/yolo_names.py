"""The names that the class numbers of YOLO labels stand for.

A data.yaml or obj.data has them for the whole set.  Without one they are in a file with one name a line, of which
there may be several: labelImg writes a classes.txt into each folder, Roboflow a _darknet.labels, and their orders
may differ.  So the numbers in a folder are those of the nearest file, and classes are matched by name.
"""

from minissd.data.texts import read_text
from minissd.errors import MinissdError

NAME_FILES = ("classes.txt", "obj.names", "_darknet.labels", "predefined_classes.txt")


class ClassNames:
    """The names of a set's classes.

    all: every name once, the training part's first.  contradicted: the folders whose own file says otherwise than the
    data.yaml.  Raises MinissdError if there are none.
    """

    def __init__(self, root, config):
        """root: the folder of the set; config: its YoloConfig, or None."""
        self._of_set = config.names if config is not None else None
        self._root, self._of_folder, self.contradicted = root, {}, []
        files = [] if self._of_set else _files_with_names(root)
        if not self._of_set and not files:
            lacking = f"{root} has no data.yaml and no classes.txt" if config is None else f"{config.path} has no names"
            raise MinissdError(
                f"{lacking}, and labels give classes by number: write classes.txt into {root}, one name a line"
            )
        self.all = list(dict.fromkeys(self._of_set or [name for file in files for name in read_names(file)]))

    def beside(self, folder):
        """The names for the numbers in a folder of labels, in order."""
        if folder not in self._of_folder:
            above = [one for one in (folder, *folder.parents) if one.is_relative_to(self._root)]
            files = (one / name for one in above for name in NAME_FILES)
            nearest = next((file for file in files if file.is_file()), None)
            if self._of_set:
                if nearest is not None and read_names(nearest) != self._of_set:
                    self.contradicted.append(str(folder))
                self._of_folder[folder] = self._of_set
            else:
                self._of_folder[folder] = read_names(nearest or _files_with_names(self._root)[0])
        return self._of_folder[folder]


def read_names(path):
    """The names in a file with one a line, in the order of the classes' numbers."""
    names = [" ".join(line.split()) for line in read_text(path, "names of classes").splitlines()]
    while names and not names[-1]:
        names.pop()
    if not names or not all(names):
        raise MinissdError(f"{path} needs the name of a class on each line, but {'one' if names else 'it'} is empty")
    return names


def _files_with_names(root):
    """Those at the root of a set first, then those of its training part."""
    found = [path for pattern in ("", "*/", "*/*/") for name in NAME_FILES for path in root.glob(pattern + name)]
    return sorted(found, key=lambda path: (len(path.parts), not path.parent.name.lower().startswith("train"), path))
