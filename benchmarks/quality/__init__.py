"""How good the segmentations of every method are, and what they cost, on pictures that people segmented.

``python -m benchmarks quality --data DIR`` runs every method of `methods` over its sweep of settings, on all
pictures of a folder laid out as the Berkeley data set is. One file is kept per picture and method, so a run that
was stopped goes on where it was. Settings are chosen on the pictures of ``train`` and judged on those of ``val``;
`judge` keeps the two apart. Nothing reads ``test``.

D. Martin, C. Fowlkes, D. Tal, J. Malik, "A Database of Human Segmented Natural Images and its Application to
Evaluating Segmentation Algorithms and Measuring Ecological Statistics", ICCV 2001, doi:10.1109/ICCV.2001.937655.
P. Arbelaez, M. Maire, C. Fowlkes, J. Malik, "Contour Detection and Hierarchical Image Segmentation", IEEE TPAMI
33(5), 2011, doi:10.1109/TPAMI.2010.161.
"""
