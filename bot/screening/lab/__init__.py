"""Where the statistical layer is made and measured. Nothing here is needed to read a message.

Training needs scikit-learn: `pip install 'tongxing[train]'`, or `make install-dev`.
"""
