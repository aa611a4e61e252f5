"""The least that `pip install -e` needs: a wheel that points here."""
import os
import zipfile

METADATA = "Metadata-Version: 2.1\nName: tiny\nVersion: 1\nProvides-Extra: dev\n"
WHEEL = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def build_editable(folder, settings=None, metadata_folder=None):
    name = "tiny-1-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.writestr("tiny.pth", os.getcwd() + "\n")
        wheel.writestr("tiny-1.dist-info/METADATA", METADATA)
        wheel.writestr("tiny-1.dist-info/WHEEL", WHEEL)
        wheel.writestr("tiny-1.dist-info/RECORD", "")
    return name
