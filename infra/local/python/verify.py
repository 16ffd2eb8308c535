"""Verifies a DSSE envelope with securesystemslib, which is not ours.

    verify.py <envelope.dsse.json> <public-key.pem>

Exit code 0 and "OK" if the key signed these bytes, 1 and "REFUSED" otherwise.
"""

import json
import sys

from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey


def main(envelope_path, key_path):
    try:
        with open(envelope_path, "rb") as file:
            envelope = Envelope.from_dict(json.load(file))
        with open(key_path, "rb") as file:
            public_key = load_pem_public_key(file.read())
        # The key id in the envelope is a hint; the key is the one that the caller trusts.
        hint = next(iter(envelope.signatures))
        envelope.verify([SSlibKey.from_crypto(public_key, keyid=hint)], threshold=1)
        statement = json.loads(envelope.payload)
    except Exception as error:  # Whatever a damaged envelope raises, it is refused.
        print(f"REFUSED ({type(error).__name__}: {error})")
        return 1
    print(f"OK ({statement['predicateType']}, signed by {hint})")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
