"""Signature and AES of the callback, written from Tencent's description alone.

The door has its own implementation; this one shares no code with it, so the two check each other.
Source: 「消息加解密说明」: AES-256-CBC, PKCS#7 to 32 bytes; 16 random bytes, 4-byte length, xml, appid.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 32
RANDOM = 16


class SealError(ValueError):
    """The text cannot be opened with this account's key, or is meant for another account."""


def signature(*parts: str) -> str:
    """`sha1` over the sorted parts, in hex."""
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()  # noqa: S324 - the platform's choice


def signed_by(expected: str, *parts: str) -> bool:
    return hmac.compare_digest(expected.encode(), signature(*parts).encode())


class Seal:
    """Closes and opens the `Encrypt` element of one account.

    `encoding_aes_key` is the 43-character EncodingAESKey; anything else raises SealError.
    """

    def __init__(self, encoding_aes_key: str, app_id: str) -> None:
        try:
            key = base64.b64decode(encoding_aes_key + "=", validate=True)
        except binascii.Error as error:
            raise SealError(f"EncodingAESKey is not base64: {error}") from None
        if len(key) != 32:
            raise SealError("EncodingAESKey must have 43 characters")
        self._cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16]))
        self._app_id = app_id.encode()

    def close(self, xml: str) -> str:
        content = xml.encode()
        plain = secrets.token_bytes(RANDOM) + struct.pack("!I", len(content)) + content + self._app_id
        fill = BLOCK - len(plain) % BLOCK
        encryptor = self._cipher.encryptor()
        sealed = encryptor.update(plain + bytes([fill]) * fill) + encryptor.finalize()
        return base64.b64encode(sealed).decode()

    def open(self, sealed: str) -> str:
        """The xml inside; SealError when padding, length or app id do not fit."""
        try:
            decryptor = self._cipher.decryptor()
            padded = decryptor.update(base64.b64decode(sealed, validate=True)) + decryptor.finalize()
            fill = padded[-1]
            if not 1 <= fill <= BLOCK or padded[-fill:] != bytes([fill]) * fill:
                raise SealError("bad padding")
            plain = padded[:-fill]
            (length,) = struct.unpack("!I", plain[RANDOM : RANDOM + 4])
            content, app_id = plain[RANDOM + 4 : RANDOM + 4 + length], plain[RANDOM + 4 + length :]
            if app_id != self._app_id:
                raise SealError("meant for another account")
            return content.decode()
        except SealError:
            raise
        except (ValueError, IndexError, struct.error) as error:
            raise SealError(str(error)) from None
