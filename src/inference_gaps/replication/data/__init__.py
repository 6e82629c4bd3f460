"""Data: from files on disk or on a mirror to splits of pixels.

- ``download``      files from mirrors, resumed and verified
- ``raw_files``     files found, decompressed, verified
- ``image_files``   which files of a folder or an archive are images
- ``archives``      members of a tar archive, in memory
- ``pixels``        IDX, amat and CIFAR records as rows of bytes
- ``images``        folders of PNG and JPEG images
- ``binarisation``  grey levels to bits
- ``preparation``   all files of a data set, shrunk, binarised and cut into splits
- ``prepared``      how the result is kept, and how models read it
"""
