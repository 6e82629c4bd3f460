"""Data: from files on disk or on a mirror to splits of pixels.

- ``registry``      the data sets of ``config/datasets.yaml``
- ``download``      files from mirrors, resumed and verified
- ``raw_files``     files found, decompressed, verified
- ``archives``      members of a tar archive, in memory
- ``pixels``        IDX, amat and CIFAR records as rows of bytes
- ``images``        folders of PNG and JPEG images
- ``parts``         all files of a data set, by part
- ``binarisation``  grey levels to bits
- ``preparation``   parts, binarised and cut into splits
- ``prepared``      the file that holds the result
"""
