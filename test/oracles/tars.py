"""Makes test/fixtures/data/tars: small tars as Python's tarfile writes them in each format, and what is in them. Standard library only.

    python test/oracles/tars.py
"""
import io
import json
import tarfile
from pathlib import Path

OUT = Path(__file__).resolve().parent.parent / 'fixtures' / 'data' / 'tars'
OUT.mkdir(parents=True, exist_ok=True)

LONG = 'Task09_Tiny/' + 'a long folder/' * 9 + 'x' * 90 + '.txt'
FILES = {
    'Task09_Tiny/dataset.json': b'{}',
    'Task09_Tiny/imagesTr/empty': b'',
    'Task09_Tiny/imagesTr/block': b'b' * 512,
    'Task09_Tiny/imagesTr/more': bytes(range(256)) * 5,
    LONG: b'long name',
    'Task09_Tiny/F\u00e4lle \u2460/\u00e4.txt': 'äöü'.encode(),
}

for name, kind in (('ustar', tarfile.USTAR_FORMAT), ('gnu', tarfile.GNU_FORMAT), ('pax', tarfile.PAX_FORMAT)):
    with tarfile.open(OUT / f'{name}.tar', 'w', format=kind) as tar:
        folder = tarfile.TarInfo('./Task09_Tiny' if name == 'gnu' else 'Task09_Tiny')
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for file, data in FILES.items():
            info = tarfile.TarInfo(('./' if name == 'gnu' else '') + file)
            info.size = len(data)
            if name == 'pax':
                info.pax_headers = {'mtime': '1.5', 'comment': 'x' * 300}
            tar.addfile(info, io.BytesIO(data))

(OUT / 'contents.json').write_text(json.dumps({k: list(v) for k, v in FILES.items()}, separators=(',', ':')) + '\n')
